// What a request becomes on its way upward, and which of several variants answers it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "edge/object.h"
#include "edge/upstream.h"
#include "wire/http_field.h"

namespace klieg::edge {

struct Question;

std::string_view field_of(std::span<const wire::HeaderView> fields, std::string_view name);  // empty: absent

// This node has passed the request on before (CDN-Loop, RFC 8586).
bool has_been_here(std::span<const wire::HeaderView> fields, std::string_view node);

// For all who ask for the key: without what is one viewer's own (ranges, conditions, CMCD), with the conditions that
// validate `validated`, and with one of two codings, so that Vary: Accept-Encoding makes two variants and not one per
// browser.
FetchRequest shared_request(const Question& question, std::string target, const Object* validated,
                            std::string_view node);
// For one viewer, as it came.
FetchRequest passed_request(const Question& question, std::string_view node);

// Accept-Encoding takes gzip.
bool takes_gzip(std::span<const wire::HeaderView> fields);

// The variant that a request with these fields is answered with (RFC 9111 section 4.1), as the parent saw it in the
// shared_request: the viewer's request and the one that went upward for it are of the same variant, whatever Vary
// names.
std::string variant_of(const wire::Vary& vary, std::span<const wire::HeaderView> fields);

}  // namespace klieg::edge

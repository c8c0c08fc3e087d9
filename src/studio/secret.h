// What proves who somebody is without a password: random, shown once, kept as a digest.
//
//   klieg_session_...   in a cookie, as long as somebody is logged in
//   klieg_token_...     of a program that uses the API
//   klieg_invite_...    lets somebody sign up
//   klieg_key_...       of an encoder: who has it goes live
//
// 192 random bits: nobody guesses one, so a fast digest without salt (BLAKE2b-256) is enough at rest, and finding one
// by its digest tells nothing by the time it takes. The words in front let people and scanners see what they have
// before them. From libsodium's generator; Random (base/random.h) is for what need not be secret.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace klieg::studio {

enum class SecretKind : uint8_t { session, api_token, invite, stream_key };

std::string new_secret(SecretKind kind);
// Whether it could be one: what could not is asked of no database.
bool is_secret(SecretKind kind, std::string_view text);

constexpr size_t digest_size = 32;
Bytes digest_of(std::string_view secret);

// For an account that is made for somebody: 96 random bits, 16 characters, to be typed once.
std::string new_password();

// A link that finds an unlisted broadcast: 96 random bits, 16 characters.
std::string new_link();

// What a page of ours sends back with what changes something, and a page of others cannot know: of a session, and worth
// nothing without it, so it is kept nowhere.
std::string csrf_token_of(std::string_view session);
bool is_csrf_token_of(std::string_view session, std::string_view offered);  // in constant time

}  // namespace klieg::studio

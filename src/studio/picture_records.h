// People's pictures, as the database has them: one of each account, or none.
//
// Thread: the store's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "store/database.h"

namespace klieg::studio {

struct Picture {
  std::string content_type;
  Bytes content;
};

// `content` is one of picture_type_of(), which is `content_type`.
store::Outcome<void> set_picture(store::Database& database, int64_t account, std::string_view content_type,
                                 const Bytes& content, WallTime now);
store::Outcome<void> remove_picture(store::Database& database, int64_t account);
store::Outcome<std::optional<Picture>> find_picture(store::Database& database, const std::string& account_name);
// When it was set: another picture has another time.
store::Outcome<std::optional<WallTime>> picture_set(store::Database& database, int64_t account);

}  // namespace klieg::studio

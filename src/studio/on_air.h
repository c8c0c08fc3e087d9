// What is on air on this node, for the list of everything live.
//
//   page()   by viewers or by freshness, the most or the newest first; the next page begins behind a cursor. By viewers
//            a show that moves between two pages may be seen twice, or not at all.
//   draw()   so many of them at random
//
// It is all in memory: viewers are there and not in the database, and the list is there while the database is down.
//
// Pure. Thread: one loop.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/time.h"

namespace klieg::studio {

enum class Listing : uint8_t { listed, unlisted };

struct Show {
  std::string channel;
  WallTime started;
  Listing listing = Listing::unlisted;
  std::string title;
  int64_t account = 0;  // whose it is; 0: a channel's without one
  std::string display_name;
  int64_t key = 0;        // with which it is published here; 0: with none of an account
  int64_t broadcast = 0;  // its record; 0: not written yet
  uint64_t viewers = 0;
  uint64_t viewers_peak = 0;
  uint64_t viewers_came = 0;  // at least: who came while another left is not seen
  uint64_t comments = 0;      // that were shown, and hearts that were given, in its room
  uint64_t hearts = 0;
  uint64_t number = 0;  // of the shows of this node
};

enum class ListOrder : uint8_t { viewers, freshness };

// The last of the page before.
struct ListCursor {
  uint64_t viewers = 0;
  uint64_t number = 0;

  std::string text() const;
  static std::optional<ListCursor> parse(std::string_view text);
};

class OnAir {
 public:
  // Said again while it is on air, it is the same show.
  Show& begin(const std::string& channel, WallTime started);
  Show* find(std::string_view channel);
  void set_viewers(std::string_view channel, uint64_t viewers);
  void set_said(std::string_view channel, uint64_t comments, uint64_t hearts);
  std::optional<Show> end(std::string_view channel);

  const std::map<std::string, Show, std::less<>>& all() const { return shows_; }
  std::map<std::string, Show, std::less<>>& all() { return shows_; }

  struct Page {
    std::vector<const Show*> shows;
    std::optional<ListCursor> next;
  };
  // Of those that are listed.
  Page page(ListOrder order, const std::optional<ListCursor>& after, size_t limit) const;
  std::vector<const Show*> draw(size_t count, Random& random) const;

 private:
  std::vector<const Show*> listed() const;

  std::map<std::string, Show, std::less<>> shows_;
  uint64_t last_number_ = 0;
};

}  // namespace klieg::studio

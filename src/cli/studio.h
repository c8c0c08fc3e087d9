// The studio of `klieg serve`: the API's server, joined to the broadcasts of this node.
//
// Owner: the world. Thread: the first loop, where the registry is, too.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cli/config.h"
#include "cli/registry.h"
#include "cli/rooms.h"
#include "origin/origin.h"
#include "studio/server.h"

namespace klieg::cli {

class World;

class Studio final : public KeyHolders, private studio::Stage {
 public:
  // `path_secret`: with which the nodes check tokens.
  Studio(World& world, net::Loop& loop, store::Worker& store, Metrics& metrics, const Config& config,
         const std::string& path_secret);

  bool may_know(std::string_view key) const override;
  void holder_of(const std::string& key, HolderDone done) override;
  void on_publisher(const studio::KeyHolder& holder) override { server_.on_publisher(holder); }
  // What becomes of broadcasts, and how many watch: said by their homes.
  void on_status(const std::string& channel, const origin::Status& status);
  void on_figures(const Rooms::Figures& figures);
  // Said again and again of one whose home is another node.
  void on_elsewhere(const std::string& channel, const origin::Status& status, media::Audience audience,
                    uint64_t viewers);
  void hold_no_more() { server_.hold_no_more(); }
  void serve(studio::Call call, studio::Answer answer) { server_.serve(std::move(call), std::move(answer)); }

 private:
  void end_carried_by(int64_t key) override;
  void end(const std::string& channel) override;
  void room_people_changed(const std::string& channel) override;
  void revoked(const media::GuestsRevoked& revoked) override;
  void count();

  World& world_;
  const Config& config_;
  net::Loop& loop_;
  studio::Server server_;
  net::Timer counting_;
};

// Whether there are accounts at all.
inline bool has_accounts(const Config& config) { return config.sign_up > SignUp::off; }

}  // namespace klieg::cli

// A folder for what memory had no room for: replays, which somebody asks for now and then for as long as they exist.
//
// To the engine it is one more parent, and the first to be asked: these Routes know what lies in the folder and come
// before the node's own. What cannot be read is asked for upward, as of any parent that fails.
//
//   evicted from memory --(whole, fresh for long, of no topic, one variant)--> a file, oldest out first
//   asked for, not in memory, in the folder and fresh --> read, and in memory again
//
// A file holds a body; what belongs to it (fields, age) stays in memory, about 1 KiB each. The folder begins empty:
// names of the run before mean nothing to this one. It is one process's: two would read each other's files by number.
//
// A file answers who asks for bytes. Who changes something (POST), or asks whether what is here is still right, is
// sent upward, and so is who has waited for the disk too long.
//
// Thread: Disk has one of its own, where files are touched and nothing else; DiskRoutes lives on its loop, hears of
// files by posted messages, and is asked only there.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "edge/engine.h"
#include "edge/upstream.h"
#include "net/loop.h"

namespace klieg::edge {

// Files by number, written and read on a thread of its own, one after the other.
class Disk {
 public:
  // Waiting to be written. A disk that is slower than evictions loses objects, not memory.
  static constexpr uint64_t waiting_max = uint64_t{64} << 20;
  // Waiting to be read: some MiB each, so what is asked for after so many would come later than from a parent.
  static constexpr size_t reads_max = 256;

  // Makes the folder where need be, takes it for this process, and empties it of files of ours. The error says what is
  // wrong with which folder.
  static Result<std::unique_ptr<Disk>> open(const std::string& folder);
  ~Disk();  // what waits is dropped
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // From any thread; `done` and what follows are called on the disk's own.
  enum class Accepted : uint8_t { yes, too_many };
  Accepted write(uint64_t file, std::vector<Bytes> content, std::function<void(bool written, std::string why)> done);
  // What lies behind `from`, at most run_max of it, so that one large file keeps no other waiting and nobody is told
  // more than he may take: pieces in order, each at most 1 MiB; at the end an empty one, or nullopt where reading
  // failed or the file is not of this size. Nothing more once `piece` says that nobody wants it.
  static constexpr uint64_t run_max = uint64_t{4} << 20;
  enum class More : uint8_t { wanted, not_wanted };
  Accepted read(uint64_t file, uint64_t size, uint64_t from, std::function<More(std::optional<Bytes>)> piece);
  void remove(uint64_t file);
  uint64_t new_file() { return ++last_file_; }
  const std::string& folder() const { return folder_; }

 private:
  Disk(std::string folder, int lock);
  std::string path_of(uint64_t file) const;
  void enqueue(std::move_only_function<void()> job);
  void run();

  const std::string folder_;
  const int lock_;  // the folder's descriptor, held as long as we are
  std::atomic<uint64_t> last_file_ = 0;
  std::atomic<uint64_t> waiting_ = 0;
  std::atomic<size_t> reads_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::move_only_function<void()>> jobs_;  // guarded by mutex_
  bool stopping_ = false;                             // guarded by mutex_
  std::thread thread_;
};

class DiskRoutes final : public Routes, private Upstream {
 public:
  // What is evicted while it would be fresh for less than this is not worth a file.
  static constexpr Duration fresh_min = std::chrono::minutes(10);
  // x 1 KiB of what belongs to them: 128 MiB. As many segments of 1 MiB are 128 GiB.
  static constexpr size_t objects_max = 131'072;
  // Without a piece. A disk that works takes some 10 ms; one that stands still for so long may do so for ever.
  static constexpr Duration read_time_max = 2s;
  // A disk that is full is full for each object that is evicted.
  static constexpr Duration complain_every = 10s;

  DiskRoutes(net::Loop& loop, Disk& disk, uint64_t bytes_max, const Clock& clock, Routes& upward);
  ~DiskRoutes() override;

  // Memory had no room for it.
  void keep(const std::string& key, const std::shared_ptr<const Object>& object);
  void forget(std::string_view key);
  size_t objects() const { return entries_.size(); }
  uint64_t bytes() const { return bytes_; }

  size_t ways(std::string_view key) const override { return upward_.ways(key); }
  std::optional<Way> choose(std::string_view key, const FetchRequest& request, uint32_t attempt, LoopTime now) override;
  void succeeded(const Way& way, LoopTime now) override;
  void failed(const Way& way, LoopTime now) override;
  void released(const Way& way) override;

 private:
  class DiskFetch;
  struct Entry {
    uint64_t file = 0;
    std::shared_ptr<const Object> head;  // its log is an empty one: the body is in the file
    uint64_t size = 0;
    bool written = false;
    std::list<std::string>::iterator place;  // in order_
  };
  static constexpr size_t from_disk = SIZE_MAX - 1;

  std::unique_ptr<Fetch> fetch(FetchRequest request, FetchHandler& handler) override;
  void make_room();
  void note_written(const std::string& key, uint64_t file, bool written, const std::string& why);

  net::Loop& loop_;
  Disk& disk_;
  const uint64_t bytes_max_;
  const Clock& clock_;
  Routes& upward_;
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> order_;  // oldest first
  uint64_t bytes_ = 0;
  uint64_t lost_ = 0;  // could not be written, since the log said so last
  LoopTime complained_ = LoopTime::min();
  std::shared_ptr<DiskRoutes*> self_ = std::make_shared<DiskRoutes*>(this);  // for messages that come back
};

}  // namespace klieg::edge

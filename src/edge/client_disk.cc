#include "edge/client_disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"
#include "wire/cache_control.h"

namespace klieg::edge {
namespace {

constexpr std::string_view suffix = ".klieg-object";
constexpr size_t piece_size = size_t{1} << 20;

bool write_all(int file, ByteView content) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    content = content.subspan(static_cast<size_t>(written));
  }
  return true;
}

// The bytes are all that is asked for, and not whether they are still right.
bool asks_for_bytes(const FetchRequest& request) {
  const std::vector<wire::HeaderView> fields = views_of(request.fields);
  const wire::RequestDirectives wishes = wire::request_directives(fields);
  const bool conditional = std::ranges::any_of(fields, [](const auto& field) { return field.name.starts_with("if-"); });
  return request.method == "GET" && !conditional && !wishes.no_cache && !wishes.max_age && !wishes.min_fresh;
}

}  // namespace

Result<std::unique_ptr<Disk>> Disk::open(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(fmt::format("{}: cannot be made ({})", folder, error.message()));
  const int lock = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0 || ::access(folder.c_str(), W_OK | X_OK) != 0) {
    if (lock >= 0) ::close(lock);
    return fail(fmt::format("{}: cannot be written; give a folder of ours to --edge-disk", folder));
  }
  std::unique_ptr<Disk> disk(new Disk(folder, lock));
  // A file system that knows no locks (ENOLCK, EBADF) is believed to be ours.
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return fail(fmt::format("{}: another klieg keeps its files there; give each its own folder", folder));
  }
  auto entry = std::filesystem::directory_iterator(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code stays;
    if (entry->path().native().ends_with(suffix)) std::filesystem::remove(entry->path(), stays);
    if (stays) return fail(fmt::format("{}: cannot be removed ({})", entry->path().native(), stays.message()));
  }
  if (error) return fail(fmt::format("{}: cannot be read ({})", folder, error.message()));
  return disk;
}

Disk::Disk(std::string folder, int lock) : folder_(std::move(folder)), lock_(lock), thread_([this] { run(); }) {}

Disk::~Disk() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
  ::close(lock_);
}

std::string Disk::path_of(uint64_t file) const { return fmt::format("{}/{}{}", folder_, file, suffix); }

void Disk::enqueue(std::move_only_function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void Disk::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

Disk::Accepted Disk::write(uint64_t file, std::vector<Bytes> content, std::function<void(bool, std::string)> done) {
  uint64_t size = 0;
  for (const Bytes& piece : content) size += piece.size();
  if (waiting_ + size > waiting_max) return Accepted::too_many;
  waiting_ += size;
  enqueue([this, file, size, content = std::move(content), done = std::move(done)] {
    const std::string path = path_of(file);
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool written = descriptor >= 0;
    for (const Bytes& piece : content) written = written && write_all(descriptor, piece);
    int why = errno;
    if (descriptor >= 0 && ::close(descriptor) != 0 && written) {  // some say only now that there is no room
      written = false;
      why = errno;
    }
    waiting_ -= size;
    if (!written && descriptor >= 0) ::unlink(path.c_str());
    done(written, written ? std::string() : std::generic_category().message(why));
  });
  return Accepted::yes;
}

Disk::Accepted Disk::read(uint64_t file, uint64_t size, uint64_t from,
                          std::function<More(std::optional<Bytes>)> piece) {
  if (reads_ >= reads_max) return Accepted::too_many;
  ++reads_;
  enqueue([this, file, size, from, piece = std::move(piece)] {
    const int descriptor = ::open(path_of(file).c_str(), O_RDONLY | O_CLOEXEC);
    const uint64_t end = std::min(size, from + run_max);
    uint64_t at = from;
    struct stat now{};
    bool good = descriptor >= 0 && ::fstat(descriptor, &now) == 0 && static_cast<uint64_t>(now.st_size) == size;
    auto more = More::wanted;
    while (good && at < end && more == More::wanted) {
      std::vector<uint8_t> content(std::min<uint64_t>(piece_size, end - at));
      const ssize_t got = ::pread(descriptor, content.data(), content.size(), static_cast<off_t>(at));
      if (got < 0 && errno == EINTR) continue;
      good = got > 0;
      if (!good) break;
      at += static_cast<uint64_t>(got);
      content.resize(static_cast<size_t>(got));
      more = piece(Bytes::take(std::move(content)));
    }
    if (descriptor >= 0) ::close(descriptor);
    --reads_;
    if (more == More::wanted) piece(good ? std::optional(Bytes()) : std::nullopt);
  });
  return Accepted::yes;
}

void Disk::remove(uint64_t file) {
  enqueue([path = path_of(file)] { ::unlink(path.c_str()); });
}

DiskRoutes::DiskRoutes(net::Loop& loop, Disk& disk, uint64_t bytes_max, const Clock& clock, Routes& upward)
    : loop_(loop), disk_(disk), bytes_max_(bytes_max), clock_(clock), upward_(upward) {}

DiskRoutes::~DiskRoutes() { *self_ = nullptr; }

void DiskRoutes::keep(const std::string& key, const std::shared_ptr<const Object>& object) {
  const ResponseFacts& facts = object->facts;
  const Duration fresh_for = facts.lifetime - current_age(facts, clock_.wall_now());
  const bool worth_it = object->status == 200 && object->log->state() == LogEnd::complete && object->alias_of.empty() &&
                        object->topic.empty() && object->variant.empty() && !facts.no_cache && fresh_for >= fresh_min &&
                        object->size() <= bytes_max_;
  if (!worth_it || entries_.contains(key)) return;
  std::vector<Bytes> content;
  object->log->gather(object->offset, object->size(), content);
  const uint64_t file = disk_.new_file();
  const auto accepted = disk_.write(file, std::move(content),
                                    [&loop = loop_, self = self_, key, file](bool written, const std::string& why) {
                                      loop.post([self, key, file, written, why] {
                                        if (*self) (*self)->note_written(key, file, written, why);
                                      });
                                    });
  if (accepted == Disk::Accepted::too_many) return;
  auto head = std::make_shared<Object>(*object);
  head->log = Log::complete(Bytes());
  head->rendered.reset();
  Entry& entry = entries_[key];
  entry = {file, std::move(head), object->size(), false, order_.insert(order_.end(), key)};
  bytes_ += entry.size;
  make_room();
}

void DiskRoutes::note_written(const std::string& key, uint64_t file, bool written, const std::string& why) {
  const auto found = entries_.find(key);
  if (found != entries_.end() && found->second.file == file) {
    if (written) {
      found->second.written = true;
    } else {
      forget(key);
    }
  }
  if (written) return;
  ++lost_;
  const LoopTime now = loop_.now();
  if (complained_ != LoopTime::min() && now < complained_ + complain_every) return;
  complained_ = now;
  logging::warning("objects are not kept on disk",
                   {{"folder", disk_.folder()}, {"objects", std::exchange(lost_, 0)}, {"why", why}});
}

void DiskRoutes::make_room() {
  while (bytes_ > bytes_max_ || entries_.size() > objects_max) forget(std::string(order_.front()));
}

void DiskRoutes::forget(std::string_view key) {
  const auto found = entries_.find(std::string(key));
  if (found == entries_.end()) return;
  disk_.remove(found->second.file);
  bytes_ -= found->second.size;
  order_.erase(found->second.place);
  entries_.erase(found);
}

// By the target, not by the key: that may be another's name too. Who is sent upward though it is here brings what may
// be newer; an older version must not come back when memory has no room for that one.
std::optional<Routes::Way> DiskRoutes::choose(std::string_view key, const FetchRequest& request, uint32_t attempt,
                                              LoopTime now) {
  const auto found = attempt == 0 ? entries_.find(request.target) : entries_.end();
  if (found == entries_.end()) return upward_.choose(key, request, attempt, now);
  if (!found->second.written || !asks_for_bytes(request)) {
    if (request.method == "GET") forget(request.target);
    return upward_.choose(key, request, attempt, now);
  }
  const ResponseFacts& facts = found->second.head->facts;
  if (current_age(facts, clock_.wall_now()) >= facts.lifetime) {
    forget(request.target);
    return upward_.choose(key, request, attempt, now);
  }
  return Way{this, from_disk};
}

void DiskRoutes::succeeded(const Way& way, LoopTime now) {
  if (way.index != from_disk) upward_.succeeded(way, now);
}
void DiskRoutes::failed(const Way& way, LoopTime now) {
  if (way.index != from_disk) upward_.failed(way, now);
}
void DiskRoutes::released(const Way& way) {
  if (way.index != from_disk) upward_.released(way);
}

// Hears of each piece on its loop, as long as it lives.
class DiskRoutes::DiskFetch final : public Fetch {
 public:
  struct Line {
    DiskFetch* fetch = nullptr;  // of the loop alone
    std::atomic<bool> wanted = true;
  };
  DiskFetch(DiskRoutes& routes, std::string key, const Entry& entry, FetchHandler& handler)
      : self_(routes.self_),
        key_(std::move(key)),
        handler_(handler),
        head_(entry.head),
        file_(entry.file),
        size_(entry.size),
        waits_(routes.loop_, [this] { end(FetchEnd::timed_out); }) {
    line_->fetch = this;
    read_on(routes);
  }
  ~DiskFetch() override { let_go(); }

  void pause() override { paused_ = true; }
  void resume() override {
    paused_ = false;
    if (std::exchange(rests_, false) && *self_) read_on(**self_);
  }

 private:
  // The next run: what of it is on its way comes, whether paused or not.
  void read_on(DiskRoutes& routes) {
    net::Loop& loop = routes.loop_;
    const auto accepted = routes.disk_.read(file_, size_, told_, [&loop, line = line_](std::optional<Bytes> piece) {
      if (!line->wanted) return Disk::More::not_wanted;
      loop.post([line, piece = std::move(piece)]() mutable {
        if (line->fetch) line->fetch->take(std::move(piece));
      });
      return Disk::More::wanted;
    });
    waits_.arm(loop.now() + (accepted == Disk::Accepted::yes ? read_time_max : Duration(0)));
  }

  void take(std::optional<Bytes> piece) {
    if (!piece) {
      if (*self_) (*self_)->forget(key_);
      return end(begun_ ? FetchEnd::reset : FetchEnd::unreachable);
    }
    const auto line = line_;  // the handler may let go of us
    if (!std::exchange(begun_, true)) tell_head();
    if (!line->fetch) return;
    if (piece->empty()) return end_run();
    if (*self_) waits_.arm((*self_)->loop_.now() + read_time_max);
    told_ += piece->size();
    handler_.on_body(std::move(*piece));
  }

  void end_run() {
    if (told_ == size_) return end(FetchEnd::complete);
    waits_.cancel();
    rests_ = paused_;
    if (!rests_ && *self_) read_on(**self_);
  }

  void tell_head() {
    Fields fields = head_->fields;
    if (*self_) {
      const Duration age = current_age(head_->facts, (*self_)->clock_.wall_now());
      fields.emplace_back("age", fmt::to_string(std::chrono::floor<std::chrono::seconds>(age).count()));
    }
    const std::vector<wire::HeaderView> views = views_of(fields);
    FetchHead told;
    told.status = head_->status;
    told.fields = views;
    told.size = size_;
    handler_.on_head(told);
  }

  void let_go() {
    line_->fetch = nullptr;
    line_->wanted = false;
  }

  void end(FetchEnd how) {
    let_go();
    waits_.cancel();
    handler_.on_end(how);
  }

  const std::shared_ptr<Line> line_ = std::make_shared<Line>();
  const std::shared_ptr<DiskRoutes*> self_;
  const std::string key_;
  FetchHandler& handler_;
  const std::shared_ptr<const Object> head_;
  const uint64_t file_;
  const uint64_t size_;
  uint64_t told_ = 0;
  bool begun_ = false;
  bool paused_ = false;
  bool rests_ = false;  // a run has ended meanwhile
  net::Timer waits_;
};

std::unique_ptr<Fetch> DiskRoutes::fetch(FetchRequest request, FetchHandler& handler) {
  const auto found = entries_.find(request.target);
  KLIEG_ASSERT(found != entries_.end(), "what is here was chosen");
  return std::make_unique<DiskFetch>(*this, found->first, found->second, handler);
}

}  // namespace klieg::edge

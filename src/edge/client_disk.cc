#include "edge/client_disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"

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

}  // namespace

Result<std::unique_ptr<Disk>> Disk::open(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(fmt::format("{}: cannot be made ({})", folder, error.message()));
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().native().ends_with(suffix)) std::filesystem::remove(entry.path(), error);
  }
  if (error || ::access(folder.c_str(), W_OK | X_OK) != 0) {
    return fail(fmt::format("{}: cannot be written; give a folder of ours to --edge-disk", folder));
  }
  return std::unique_ptr<Disk>(new Disk(folder));
}

Disk::Disk(std::string folder) : folder_(std::move(folder)), thread_([this] { run(); }) {}

Disk::~Disk() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
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

Disk::Accepted Disk::write(uint64_t file, std::vector<Bytes> content, std::function<void(bool)> done) {
  uint64_t size = 0;
  for (const Bytes& piece : content) size += piece.size();
  if (waiting_ + size > waiting_max) return Accepted::too_many;
  waiting_ += size;
  enqueue([this, file, size, content = std::move(content), done = std::move(done)] {
    const std::string path = path_of(file);
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool written = descriptor >= 0;
    for (const Bytes& piece : content) written = written && write_all(descriptor, piece);
    const int why = errno;
    if (descriptor >= 0) ::close(descriptor);
    waiting_ -= size;
    if (!written) {
      logging::warning("an object is not kept on disk", {{"file", path}, {"why", std::strerror(why)}});
      ::unlink(path.c_str());
    }
    done(written);
  });
  return Accepted::yes;
}

void Disk::read(uint64_t file, std::function<void(std::optional<Bytes>)> piece) {
  enqueue([this, file, piece = std::move(piece)] {
    const int descriptor = ::open(path_of(file).c_str(), O_RDONLY | O_CLOEXEC);
    ssize_t got = descriptor >= 0 ? 1 : -1;
    while (got > 0) {
      std::vector<uint8_t> content(piece_size);
      got = ::read(descriptor, content.data(), content.size());
      if (got <= 0) break;
      content.resize(static_cast<size_t>(got));
      piece(Bytes::take(std::move(content)));
    }
    if (descriptor >= 0) ::close(descriptor);
    piece(got == 0 ? std::optional(Bytes()) : std::nullopt);
  });
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
  const auto accepted = disk_.write(file, std::move(content), [&loop = loop_, self = self_, key, file](bool written) {
    loop.post([self, key, file, written] {
      if (!*self) return;
      const auto found = (*self)->entries_.find(key);
      if (found == (*self)->entries_.end() || found->second.file != file) return;
      if (written) {
        found->second.written = true;
      } else {
        (*self)->forget(key);
      }
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

void DiskRoutes::make_room() {
  while (bytes_ > bytes_max_) forget(std::string(order_.front()));
}

void DiskRoutes::forget(std::string_view key) {
  const auto found = entries_.find(std::string(key));
  if (found == entries_.end()) return;
  disk_.remove(found->second.file);
  bytes_ -= found->second.size;
  order_.erase(found->second.place);
  entries_.erase(found);
}

std::optional<Routes::Way> DiskRoutes::choose(std::string_view key, uint32_t attempt, LoopTime now) {
  if (attempt > 0 || entries_.empty()) return upward_.choose(key, attempt, now);
  const auto found = entries_.find(std::string(key));
  if (found == entries_.end() || !found->second.written) return upward_.choose(key, attempt, now);
  const ResponseFacts& facts = found->second.head->facts;
  if (current_age(facts, clock_.wall_now()) >= facts.lifetime) {
    forget(key);
    return upward_.choose(key, attempt, now);
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
    FetchHandler* handler = nullptr;
    bool begun = false;
  };
  explicit DiskFetch(FetchHandler& handler) { line->handler = &handler; }
  ~DiskFetch() override { line->handler = nullptr; }
  const std::shared_ptr<Line> line = std::make_shared<Line>();
};

std::unique_ptr<Fetch> DiskRoutes::fetch(FetchRequest request, FetchHandler& handler) {
  auto fetch = std::make_unique<DiskFetch>(handler);
  const auto found = entries_.find(request.target);
  if (found == entries_.end()) {  // the key is not its only name: whoever asked goes upward
    loop_.post([line = fetch->line] {
      if (line->handler) line->handler->on_end(FetchEnd::unreachable);
    });
    return fetch;
  }
  disk_.read(found->second.file, [&loop = loop_, self = self_, line = fetch->line, key = request.target,
                                  head = found->second.head, size = found->second.size](std::optional<Bytes> piece) {
    loop.post([self, line, key, head, size, piece = std::move(piece)]() mutable {
      if (!piece && *self) (*self)->forget(key);
      if (!line->handler) return;
      if (!piece) return line->handler->on_end(line->begun ? FetchEnd::reset : FetchEnd::unreachable);
      if (!std::exchange(line->begun, true)) {
        Fields fields = head->fields;
        if (*self) {
          const Duration age = current_age(head->facts, (*self)->clock_.wall_now());
          fields.emplace_back("age", fmt::to_string(std::chrono::floor<std::chrono::seconds>(age).count()));
        }
        const std::vector<wire::HeaderView> views = views_of(fields);
        FetchHead told;
        told.status = head->status;
        told.fields = views;
        told.size = size;
        line->handler->on_head(told);
        if (!line->handler) return;
      }
      piece->empty() ? line->handler->on_end(FetchEnd::complete) : line->handler->on_body(std::move(*piece));
    });
  });
  return fetch;
}

}  // namespace klieg::edge

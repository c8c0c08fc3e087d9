#include "transcoder/worker.h"

#include <fmt/format.h>
#include <string.h>
#include <unistd.h>

#include <array>
#include <utility>
#include <vector>

#include "base/logging.h"

namespace klieg::transcoder {
namespace {

// Between the end of its stream and that of its process there is a moment.
constexpr Duration farewell_max = 50ms;

}  // namespace

std::string codec_program_beside_us() {
  std::array<char, 4096> path;
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  const std::string_view ours(path.data(), size > 0 ? static_cast<size_t>(size) : 0);
  return fmt::format("{}klieg-codec", ours.substr(0, ours.rfind('/') + 1));
}

Result<std::unique_ptr<Worker>> Worker::start(net::Loop& loop, const std::vector<std::string>& command) {
  std::unique_ptr<Worker> worker(new Worker(loop));
  auto child = net::Child::start(loop, {.arguments = command, .urgency = net::Urgency::background},
                                 [it = worker.get()](net::Exit exit) { it->on_exit(exit); });
  if (!child) return std::unexpected(child.error());
  worker->child_ = std::move(*child);
  worker->child_->connection().start(*worker);
  return worker;
}

Worker::~Worker() { *alive_ = false; }

void Worker::serve(WorkerHandler& handler) {
  handler_ = &handler;
  // What it has said to nobody so far is told in a turn of its own.
  loop_.post([this, alive = alive_] {
    if (!*alive) return;
    deliver();
    if (*alive && gone_) say_gone();
  });
}

void Worker::tell(const wire::codec::ToWorker& message) {
  if (gone_) return;
  net::Connection& connection = child_->connection();
  if (connection.unsent() > unsent_max) return go(WorkerEnd::hung, "it does not read");
  const std::vector<Bytes> pieces = wire::codec::write(message);
  connection.write(pieces);
}

void Worker::on_bytes(ByteView bytes) {
  if (gone_) return;
  const auto read = reader_.push(Bytes::copy_of(bytes));
  const auto alive = alive_;
  deliver();
  if (*alive && !read) go(WorkerEnd::broken, read.error().message);
}

void Worker::deliver() {
  const auto alive = alive_;
  while (*alive && handler_) {
    auto message = reader_.next();
    if (!message) return;
    if (const auto* hello = std::get_if<wire::codec::Hello>(&*message)) {
      greet(*hello);
      continue;
    }
    handler_->on_worker_message(std::move(*message));
  }
}

void Worker::greet(const wire::codec::Hello& hello) {
  logging::debug("codec worker", {{"pid", child_->pid()}, {"is", hello.words}});
  if (hello.version == wire::codec::protocol_version) return;
  go(WorkerEnd::broken, fmt::format("it speaks version {}, not {}: install the klieg-codec that came with this klieg",
                                    hello.version, wire::codec::protocol_version));
}

void Worker::on_closed(net::Closed) {
  closed_ = true;
  settle_end();
}

void Worker::on_exit(net::Exit exit) {
  exit_ = exit;
  settle_end();
}

// The end of its stream and its exit come in any order: all that it said is heard first, and then how it ended.
void Worker::settle_end() {
  if (gone_) return;
  if (closed_ && exit_) return say_gone();
  farewell_.arm(loop_.now() + farewell_max);
}

// Told in a later turn: whoever is inside tell() does not expect it now.
void Worker::go(WorkerEnd how, std::string words) {
  if (gone_) return;
  gone_ = Gone{how, std::move(words)};
  farewell_.arm(loop_.now());
}

Worker::Gone Worker::gone_by_itself() const {
  if (!exit_) return {WorkerEnd::exited, "it closed its socket"};
  if (exit_->signal == 0) return {WorkerEnd::exited, fmt::format("status {}", exit_->status)};
  const char* name = ::sigabbrev_np(exit_->signal);
  return {WorkerEnd::killed, name ? fmt::format("SIG{}", name) : fmt::format("signal {}", exit_->signal)};
}

void Worker::say_gone() {
  if (!gone_) gone_ = gone_by_itself();
  farewell_.cancel();
  if (!handler_) return;
  const Gone gone = *gone_;
  std::exchange(handler_, nullptr)->on_worker_gone(gone.how, gone.words);
}

}  // namespace klieg::transcoder

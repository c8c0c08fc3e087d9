// klieg-codec: one codec worker. Started by the server, which gives it one end of a stream socket as descriptor 3 and
// reads what it says until it ends; when the server's end closes, so does the worker.
//
// One message at a time: what the server sends meanwhile waits in the socket, and when the server does not read, the
// worker stands still. Where there is more than one processor, a crew of threads codes the rungs of a picture together.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "codec/crew.h"
#include "codec/ladder.h"
#include "codec/sandbox.h"

extern "C" {
#include <libavutil/log.h>
}

namespace {

using namespace klieg;

constexpr int server = 3;
constexpr size_t read_size = 256 << 10;  // a key frame of a phone, mostly

[[noreturn]] void end(int status) {
  std::_Exit(status);  // nothing is to be saved
}

void say(const wire::codec::FromWorker& message) {
  for (const Bytes& piece : wire::codec::write(message)) {
    for (ByteView rest = piece.view(); !rest.empty();) {
      const ssize_t sent = ::send(server, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) end(EXIT_SUCCESS);  // the server is gone
      rest = rest.subspan(static_cast<size_t>(sent));
    }
  }
}

bool is_socket(int descriptor) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

// One that hangs would not see that its socket has ended. (The signal comes with the end of the thread that started us:
// the server's such threads last as long as it does.)
void die_with_server() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  ucred maker{};  // of the socket
  socklen_t size = sizeof maker;
  const bool known = getsockopt(server, SOL_SOCKET, SO_PEERCRED, &maker, &size) == 0;
  if (known && maker.pid != getppid()) end(EXIT_SUCCESS);  // it died before the line above
}

// Waits, whatever the server made of its own end.
void make_blocking(int descriptor) { fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK); }

}  // namespace

int main(int argc, char** argv) {
  if (!is_socket(server)) {
    std::fputs("klieg-codec is started by `klieg serve` and has no use of its own.\n", stderr);
    return 2;
  }
  die_with_server();
  make_blocking(server);
  av_log_set_level(AV_LOG_QUIET);
  codec::Settings settings;
  if (argc > 1) settings.preset = argv[1];
  settings.coding = codec::best_coding();
  const bool nvidia = settings.coding == codec::Coding::nvenc;
  std::optional<codec::Crew> crew;
  const Result<std::string> sandbox = codec::enter_sandbox(nvidia ? codec::Hardware::nvidia : codec::Hardware::none,
                                                           [&] { crew.emplace(codec::Crew::usual_hands()); });
  if (!sandbox) {
    std::fprintf(stderr, "klieg-codec cannot shut itself in: %s\n", sandbox.error().message.c_str());
    return 1;
  }
  say(wire::codec::Hello{wire::codec::protocol_version,
                         "FFmpeg " + std::string(av_version_info()) + (nvidia ? ", NVENC; " : ", x264; ") + *sandbox});

  codec::Ladder ladder(settings, *crew, say, read_loop_clock);
  wire::codec::ServerReader reader;
  std::vector<uint8_t> buffer(read_size);
  for (;;) {
    const ssize_t count = ::recv(server, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) end(EXIT_SUCCESS);
    const auto pushed = reader.push(Bytes::copy_of(ByteView(buffer).first(static_cast<size_t>(count))));
    while (const auto message = reader.next()) ladder.on_message(*message);
    if (!pushed) {
      std::fprintf(stderr, "klieg-codec does not understand its server: %s\n", pushed.error().message.c_str());
      end(EXIT_FAILURE);
    }
  }
}

// Serves the files of a directory from completed logs through http::Server: what an origin does for a finished segment.
//
//   bench_origin_klieg DIRECTORY HTTP_PORT [HTTPS_PORT CERTIFICATE KEY]
//
// Prints "ready" when it can serve, and serves until it is killed.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "http/server.h"

namespace {

using namespace klieg;

struct Object {
  std::shared_ptr<const http::HeaderBlock> headers;
  std::shared_ptr<const Log> content;
};

class Files final : public http::Handler {
 public:
  explicit Files(const std::filesystem::path& directory) {
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      std::string content(std::istreambuf_iterator<char>(file), {});
      auto headers = std::make_shared<http::HeaderBlock>();
      headers->add("content-type", "video/mp4").add("cache-control", "public, max-age=31536000, immutable");
      headers->add("etag", "\"" + entry.path().filename().string() + "\"").add("access-control-allow-origin", "*");
      objects_["/" + entry.path().filename().string()] = {headers, Log::complete(Bytes::take(std::move(content)))};
    }
  }

  void serve(const http::Request& request, http::Responder responder) override {
    const auto found = objects_.find(request.path);
    if (found == objects_.end()) return responder.respond(http::Response::text(404, "no such object"));
    http::Response response;
    response.headers = found->second.headers;
    response.body = http::LogRange{found->second.content, 0, std::nullopt};
    responder.respond(std::move(response));
  }

 private:
  std::map<std::string, Object, std::less<>> objects_;
};

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.size() != 2 && words.size() != 5) {
    std::fputs("usage: bench_origin_klieg DIRECTORY HTTP_PORT [HTTPS_PORT CERTIFICATE KEY]\n", stderr);
    return 2;
  }
  net::Loop loop;
  Metrics metrics;
  Files files(words[0]);
  const auto server = http::Server::make(loop, files, {}, metrics);
  std::vector<std::unique_ptr<net::Listener>> listeners;
  const auto listen = [&](const std::string& port, std::shared_ptr<net::TlsServer> tls) {
    auto made = net::Listener::listen(loop, {"127.0.0.1", static_cast<uint16_t>(std::stoi(port))}, std::move(tls), {},
                                      [&](auto connection) { server->accept(std::move(connection)); });
    if (!made) {
      std::fprintf(stderr, "%s\n", made.error().message.c_str());
      std::exit(1);
    }
    listeners.push_back(std::move(*made));
  };
  listen(words[1], nullptr);
  if (words.size() == 5) {
    auto tls = net::TlsServer::load(words[3], words[4], {"h2", "http/1.1"});
    if (!tls) {
      std::fprintf(stderr, "%s\n", tls.error().message.c_str());
      return 1;
    }
    listen(words[2], *tls);
  }
  std::puts("ready");
  std::fflush(stdout);
  loop.run();
}

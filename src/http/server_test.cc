// On loopback, with real sockets and with viewers that others wrote.
#include "http/server_test.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "net/certificate_test.h"

namespace klieg::http {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

struct OnLoopback : testing::Test {
  void listen(std::shared_ptr<net::TlsServer> tls = nullptr) {
    server = Server::make(loop, handler, {}, metrics);
    auto made = net::Listener::listen(loop, {"127.0.0.1", 0}, std::move(tls), {},
                                      [this](auto connection) { server->accept(std::move(connection)); });
    ASSERT_TRUE(made) << made.error().message;
    listener = std::move(*made);
  }
  std::string address(std::string_view scheme, std::string_view path) const {
    return std::string(scheme) + "://" + listener->local().text() + std::string(path);
  }
  // Runs `viewer` on a thread of its own while the loop serves it.
  template <class Viewer>
  void serve(Viewer viewer) {
    std::thread thread([&] {
      viewer();
      loop.post([this] { loop.stop(); });
    });
    loop.run();
    thread.join();
  }
  // What curl prints; its status at the end.
  std::string curl(const std::string& arguments) {
    std::string said;
    serve([&] {
      FILE* pipe = ::popen(("curl --silent --show-error --insecure --max-time 20 " + arguments + " 2>&1").c_str(), "r");
      for (char buffer[4096]; const size_t size = std::fread(buffer, 1, sizeof buffer, pipe);)
        said.append(buffer, size);
      said += "\nstatus " + std::to_string(WEXITSTATUS(::pclose(pipe)));
    });
    return said;
  }

  net::Loop loop;
  Metrics metrics;
  TestHandler handler;
  std::unique_ptr<Server> server;
  std::unique_ptr<net::Listener> listener;
};

struct Curl : OnLoopback {
  void SetUp() override {
    if (std::system("curl --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "curl is not installed";
    handler.answer = [this](const Request& request) {
      version = request.version;
      return response_of(Bytes::copy_of(request.path == "/big" ? big : "small"));
    };
  }
  const std::string big = std::string(3'000'000, 'x');
  const std::string report = " --output /dev/null --write-out '%{http_version} %{http_code} %{size_download}' ";
  Version version{};
};

TEST_F(Curl, http_1_1_and_1_0) {
  listen();
  EXPECT_EQ(curl(report + address("http", "/big")), "1.1 200 3000000\nstatus 0");
  EXPECT_EQ(curl(report + "--http1.0 " + address("http", "/big")), "1.1 200 3000000\nstatus 0");
  EXPECT_EQ(version, Version::http_1_0);
}

TEST_F(Curl, http_2_with_prior_knowledge) {
  listen();
  EXPECT_EQ(curl(report + "--http2-prior-knowledge " + address("http", "/big")), "2 200 3000000\nstatus 0");
}

TEST_F(Curl, tls_chooses_the_version_by_alpn) {
  const net::TestCertificate files;
  listen(*net::TlsServer::load(files.certificate_file(), files.key_file(), {"h2", "http/1.1"}));
  EXPECT_EQ(curl(report + address("https", "/big")), "2 200 3000000\nstatus 0");
  EXPECT_EQ(curl(report + "--http1.1 " + address("https", "/big")), "1.1 200 3000000\nstatus 0");
  EXPECT_EQ(curl(report + "--no-alpn --tls-max 1.2 " + address("https", "/big")), "1.1 200 3000000\nstatus 0");
}

TEST_F(Curl, a_body_cut_short_is_seen_as_cut_short) {
  auto log = std::make_shared<Log>();
  log->append(Bytes::copy_of("half"));
  handler.answer = [&](const Request&) {
    loop.post([&] { log->end(LogEnd::aborted); });
    return response_of(LogRange{log, 0, std::nullopt});
  };
  listen();
  EXPECT_THAT(curl(address("http", "/")), EndsWith("status 18"));  // partial file
  log = std::make_shared<Log>();
  log->append(Bytes::copy_of("half"));
  EXPECT_THAT(curl("--http2-prior-knowledge " + address("http", "/")), EndsWith("status 92"));  // stream error
}

// Head, file, head, file: answers that are whole and that are ranges, asked for in one breath. The first leave by copy.
TEST_F(OnLoopback, pipelined_answers_out_of_a_file_come_whole_and_in_order) {
  std::string content(300'000, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i % 251);
  const auto log = Log::complete(Bytes::copy_of(content));
  handler.answer = [&](const Request& request) {
    return response_of(request.path == "/range" ? LogRange{log, 1000, 200'000} : LogRange{log, 0, std::nullopt});
  };
  listen();
  std::string received;
  serve([&] {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(listener->local().port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    std::string requests;
    for (int i = 0; i < 10; ++i) requests += "GET /range HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
    requests += "GET /range HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    ASSERT_EQ(::send(socket, requests.data(), requests.size(), 0), static_cast<ssize_t>(requests.size()));
    char buffer[10'000];
    for (ssize_t size; (size = ::recv(socket, buffer, sizeof buffer, 0)) > 0;) received.append(buffer, size);
    ::close(socket);
  });
  for (int i = 0; i < 21; ++i) {
    const size_t body = received.find("\r\n\r\n");
    ASSERT_NE(body, std::string::npos) << i;
    const std::string expected = i % 2 == 0 ? content.substr(1000, 199'000) : content;
    EXPECT_TRUE(received.compare(body + 4, expected.size(), expected) == 0) << i;
    received.erase(0, body + 4 + expected.size());
  }
  EXPECT_EQ(received, "");
  EXPECT_TRUE(log->read(0, content.size()).in_file());
}

TEST_F(OnLoopback, nothing_is_put_in_a_file_for_those_to_whom_it_is_encrypted) {
  if (std::system("curl --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "curl is not installed";
  const auto log = Log::complete(Bytes::take(std::string(300'000, 'x')));
  handler.answer = [&](const Request&) { return response_of(LogRange{log, 0, std::nullopt}); };
  const net::TestCertificate files;
  listen(*net::TlsServer::load(files.certificate_file(), files.key_file(), {"http/1.1"}));
  const std::string url = " --output /dev/null " + address("https", "/");
  std::string twelve;
  for (int i = 0; i < 12; ++i) twelve += url;
  EXPECT_EQ(curl(twelve), "\nstatus 0");
  EXPECT_EQ(handler.targets.size(), 12u);
  EXPECT_FALSE(log->read(0, 300'000).in_file());
}

TEST_F(OnLoopback, a_thousand_idle_connections_cost_less_than_8_kib_each) {
  handler.answer = [](const Request&) { return response_of(Bytes::copy_of("hello")); };
  listen();
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  constexpr size_t count = 1000;
  std::vector<int> sockets;
  const auto open_and_ask = [&](size_t more) {
    for (size_t i = 0; i < more; ++i) {
      const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(listener->local().port);
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      ASSERT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
      sockets.push_back(socket);
      const std::string_view request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
      ASSERT_EQ(::send(socket, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
      char buffer[1024];
      ASSERT_GT(::recv(socket, buffer, sizeof buffer, 0), 0);
    }
  };
  sockets.reserve(2 * count);
  handler.targets.reserve(2 * count);
  handler.bodies.reserve(2 * count);
  serve([&] { open_and_ask(10); });
  const size_t before = ::mallinfo2().uordblks;
  serve([&] { open_and_ask(count); });
  const size_t after = ::mallinfo2().uordblks;
  EXPECT_EQ(server->connections(), count + 10);
  for (const int socket : sockets) ::close(socket);
  if (after == before) GTEST_SKIP() << "this allocator does not say what it has given out";
  EXPECT_LT((after - before) / count, 8192u);
  RecordProperty("bytes_per_idle_connection", static_cast<int>((after - before) / count));
}

}  // namespace
}  // namespace klieg::http

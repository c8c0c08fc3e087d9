#include "wire/nats.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

namespace klieg::wire::nats {
namespace {

struct Read {
  std::vector<Operation> operations;
  std::string error;
};

Read read(std::string_view text, size_t piece_size) {
  Decoder decoder;
  Read read;
  for (; !text.empty(); text.remove_prefix(std::min(piece_size, text.size()))) {
    const auto fed = decoder.feed(as_bytes(text.substr(0, piece_size)), read.operations);
    if (!fed) read.error = fed.error().message;
  }
  return read;
}

// As nats-server 2.9.10 says it.
constexpr std::string_view greeting =
    "INFO "
    "{\"server_id\":\"NDX\",\"version\":\"2.9.10\",\"proto\":1,\"host\":\"127.0.0.1\",\"port\":4222,\"headers\":true,"
    "\"max_payload\":1048576,\"client_id\":5,\"tls_required\":true} \r\n";

TEST(Nats, what_a_server_says_is_read_however_it_is_cut) {
  const std::string text = std::string(greeting) +
                           "MSG load.a 9 5\r\nhello\r\nPING\r\n+OK\r\nmsg load.b 1 _INBOX.4 0\r\n\r\npong\r\n"
                           "MSG x 2 4\r\n\r\n\r\n\r\n-ERR 'Unknown Protocol Operation'\r\n";
  const std::vector<Operation> expected = {Info{"2.9.10", true, 1 << 20},
                                           Delivered{9, "load.a", Bytes::copy_of("hello")},
                                           Ping(),
                                           Okay(),
                                           Delivered{1, "load.b", {}},
                                           Pong(),
                                           Delivered{2, "x", Bytes::copy_of("\r\n\r\n")},
                                           Complaint{"Unknown Protocol Operation"}};
  for (const size_t piece_size : {size_t{1}, size_t{2}, size_t{7}, text.size()}) {
    const Read all = read(text, piece_size);
    EXPECT_EQ(all.error, "");
    EXPECT_TRUE(all.operations == expected) << piece_size;
  }
}

TEST(Nats, what_makes_no_sense_is_an_error_that_stays) {
  for (const std::string_view text :
       {"HTTP/1.1 400 Bad Request\r\n", "INFO\r\n", "INFO []\r\n", "MSG a\r\n", "MSG a b 1\r\n", "MSG a 1 -1\r\n",
        "MSG a 1 1048577\r\n", "MSG a 1 r 1 1\r\n", "MSG a 1 1\r\nxyz", "\r\n"}) {
    const Read all = read(std::string(text) + "PING\r\n", 100);
    EXPECT_NE(all.error, "") << text;
    EXPECT_TRUE(all.operations.empty()) << text;
  }
}

TEST(Nats, a_line_has_an_end) {
  EXPECT_EQ(read("PING" + std::string(line_size_max - 4, ' ') + "\n", 1000).error, "");
  EXPECT_NE(read("PING" + std::string(line_size_max - 3, ' '), 1000).error, "");
}

TEST(Nats, a_client_says_who_it_is_and_quotes_what_it_was_given) {
  const auto said = [](const Credentials& credentials) {
    const std::string line = connect_line(credentials, "fra-1");
    EXPECT_TRUE(line.starts_with("CONNECT {") && line.ends_with("}\r\n"));
    return nlohmann::json::parse(line.substr(8));
  };
  const auto nobody = said({});
  EXPECT_EQ(nobody["echo"], false);
  EXPECT_EQ(nobody["name"], "fra-1");
  EXPECT_FALSE(nobody.contains("user") || nobody.contains("auth_token"));
  const auto somebody = said({"ada", "a \"b\"\r\nPUB x 0", "t"});
  EXPECT_EQ(somebody["user"], "ada");
  EXPECT_EQ(somebody["pass"], "a \"b\"\r\nPUB x 0");
  EXPECT_EQ(somebody["auth_token"], "t");
  EXPECT_EQ(connect_line({"ada", "a\r\n\xFF", ""}, "").find('\n'),
            connect_line({"ada", "a\r\n\xFF", ""}, "").size() - 1);
}

RC_GTEST_PROP(Nats, a_payload_of_any_bytes_comes_through, (const std::string& payload)) {
  std::string text = "MSG a 3 " + std::to_string(payload.size()) + "\r\n" + payload + "\r\nPING\r\n";
  const Read all = read(text, *rc::gen::inRange<size_t>(1, text.size() + 1));
  RC_ASSERT(all.operations == (std::vector<Operation>{Delivered{3, "a", Bytes::copy_of(payload)}, Ping()}));
}

}  // namespace
}  // namespace klieg::wire::nats

#include "wire/websocket.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>

namespace klieg::wire::websocket {
namespace {

constexpr size_t message_size_max = 4096;
constexpr uint8_t fin = 0x80;

struct Sent {
  uint8_t first;  // FIN, RSV and opcode
  std::string payload;
};

// A client's frame. `form`: how many bytes the length takes beyond its first, or the shortest.
std::string masked(const Sent& frame, std::optional<size_t> form = {}, uint32_t mask = 0x37FA213D) {
  const size_t size = frame.payload.size();
  const size_t extended = form.value_or(size < 126 ? 0 : size <= 0xFFFF ? 2 : 8);
  ByteWriter out;
  out.u8(frame.first);
  out.u8(static_cast<uint8_t>(0x80 | (extended == 0 ? size : extended == 2 ? 126 : 127)));
  if (extended == 2) out.u16(static_cast<uint16_t>(size));
  if (extended == 8) out.u64(size);
  out.u32(mask);
  for (size_t i = 0; i < size; ++i) {
    out.u8(static_cast<uint8_t>(frame.payload[i] ^ static_cast<char>(mask >> (24 - 8 * (i % 4)))));
  }
  return std::string(out.take().text());
}

struct Got {
  std::vector<Event> events;
  Result<void, Violation> result;
  std::optional<CloseCode> code() const {
    return result ? std::nullopt : std::optional<CloseCode>(result.error().code);
  }
};

Got read(std::string_view bytes, size_t piece_size = SIZE_MAX) {
  Reader reader(message_size_max);
  Got got;
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, piece_size);
    bytes.remove_prefix(piece.size());
    got.result = reader.feed(as_bytes(piece), got.events);
  }
  return got;
}

Event text_of(std::string_view text) { return Message{MessageKind::text, Bytes::copy_of(text)}; }

std::string joined(const std::vector<Bytes>& pieces) { return std::string(Bytes::join(pieces).text()); }

TEST(WebSocket, the_handshake_of_the_standard_is_answered_as_in_the_standard) {
  EXPECT_TRUE(is_key("dGhlIHNhbXBsZSBub25jZQ=="));
  EXPECT_EQ(accept_of("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(key_of(as_bytes("the sample nonce").first<16>()), "dGhlIHNhbXBsZSBub25jZQ==");
  for (const char* bad : {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZS!ub25jZQ==",
                          "dGhlIHNhbXBsZSBub25jZQAA"}) {
    EXPECT_FALSE(is_key(bad)) << bad;
  }
}

TEST(WebSocket, the_frames_of_the_standard_are_written) {
  std::vector<Bytes> out;
  append_frame(Opcode::text, Bytes::copy_of("Hello"), out);
  EXPECT_EQ(joined(out), "\x81\x05Hello");
  EXPECT_EQ(frame_head(Opcode::binary, 256).text(), std::string_view("\x82\x7E\x01\x00", 4));
  EXPECT_EQ(frame_head(Opcode::binary, 65536).text(), std::string_view("\x82\x7F\0\0\0\0\0\x01\0\0", 10));
  EXPECT_EQ(frame_head(Opcode::ping, 0).size(), 2u);
  out.clear();
  append_close(CloseCode::going_away, "bye", out);
  EXPECT_EQ(joined(out),
            "\x88\x05\x03\xE9"
            "bye");
}

TEST(WebSocket, a_payload_is_shared_and_not_copied) {
  const Bytes payload = Bytes::copy_of(std::string(1000, 'x'));
  std::vector<Bytes> out;
  append_frame(Opcode::binary, payload, out);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[1].data(), payload.data());
}

TEST(WebSocket, a_masked_frame_of_the_standard_is_read) {
  const Got got = read("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
  EXPECT_EQ(got.events, std::vector<Event>{text_of("Hello")});
}

TEST(WebSocket, a_message_in_fragments_is_joined_and_control_frames_pass_between_them) {
  const Got got = read(masked({0x01, "Hel"}) + masked({fin | 9, "?"}) + masked({0x00, "l"}) + masked({fin | 0, "o"}) +
                       masked({fin | 10, ""}) + masked({fin | 2, "\xff"}));
  EXPECT_TRUE(got.result);
  const std::vector<Event> wanted{Ping{Bytes::copy_of("?")}, text_of("Hello"), Pong{},
                                  Message{MessageKind::binary, Bytes::copy_of("\xff")}};
  EXPECT_EQ(got.events, wanted);
}

TEST(WebSocket, a_close_says_why_and_is_the_last_that_is_heard) {
  const Got got = read(masked({fin | 8, std::string("\x03\xe8"
                                                    "done")}) +
                       masked({fin | 1, "more"}) + "rubbish");
  EXPECT_TRUE(got.result);
  EXPECT_EQ(got.events, std::vector<Event>{(Close{1000, "done"})});
  EXPECT_EQ(read(masked({fin | 8, ""})).events, std::vector<Event>{Close{}});
}

TEST(WebSocket, what_is_against_the_law_is_refused) {
  const std::string longest(message_size_max, 'x');
  const std::pair<std::string, CloseCode> cases[] = {
      {std::string("\x81\x05Hello"), CloseCode::protocol_error},                  // not masked
      {masked({fin | 0x40 | 1, "a"}), CloseCode::protocol_error},                 // an extension
      {masked({fin | 3, "a"}), CloseCode::protocol_error},                        // no such opcode
      {masked({fin | 11, "a"}), CloseCode::protocol_error},                       //
      {masked({fin | 0, "a"}), CloseCode::protocol_error},                        // continues nothing
      {masked({0x01, "a"}) + masked({fin | 1, "b"}), CloseCode::protocol_error},  // a message inside another
      {masked({0x09, ""}), CloseCode::protocol_error},                            // a ping in fragments
      {masked({fin | 9, std::string(126, 'a')}), CloseCode::protocol_error},      // a long one
      {masked({fin | 1, "a"}, 2), CloseCode::protocol_error},                     // lengths that could be shorter
      {masked({fin | 1, "a"}, 8), CloseCode::protocol_error},                     //
      {masked({fin | 8, "\x03"}), CloseCode::protocol_error},                     // half a code
      {masked({fin | 8, "\x03\xed"}), CloseCode::protocol_error},                 // 1005
      {masked({fin | 8, "\x0b\xb7"}), CloseCode::protocol_error},                 // 2999
      {masked({fin | 8, "\x13\x88"}), CloseCode::protocol_error},                 // 5000
      {masked({fin | 8, "\x03\xe8\xff"}), CloseCode::invalid_payload},            //
      {masked({fin | 1, "\xc3"}), CloseCode::invalid_payload},                    //
      {masked({fin | 1, longest + "x"}), CloseCode::message_too_big},             //
      {masked({0x01, longest}) + masked({0x00, "x"}), CloseCode::message_too_big},
  };
  for (const auto& [bytes, code] : cases) {
    EXPECT_EQ(read(bytes).code(), code) << testing::PrintToString(bytes.substr(0, 8));
  }
  EXPECT_TRUE(read(masked({fin | 1, longest})).result);
}

TEST(WebSocket, too_long_a_message_is_refused_before_any_of_it_has_come) {
  Reader reader(message_size_max);
  std::vector<Event> events;
  const std::string head("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14);
  const auto fed = reader.feed(as_bytes(head), events);
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code, CloseCode::message_too_big);
  EXPECT_FALSE(reader.feed(as_bytes(masked({fin | 1, "a"})), events)) << "and nothing is read after it";
  EXPECT_TRUE(events.empty());
}

TEST(WebSocket, a_clients_frame_is_masked_as_in_the_standard) {
  std::vector<Bytes> out;
  append_masked_frame(Opcode::text, as_bytes("Hello"), 0x37FA213D, out);
  EXPECT_EQ(joined(out), "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
  for (const size_t size : {size_t{125}, size_t{126}, size_t{65'536}}) {
    const std::string payload(size, 'p');
    out.clear();
    append_masked_frame(Opcode::binary, as_bytes(payload), 0x01020304, out);
    EXPECT_EQ(joined(out), masked({fin | 2, payload}, {}, 0x01020304));
  }
}

TEST(WebSocket, a_client_reads_frames_that_are_not_masked_and_no_others) {
  std::vector<Bytes> out;
  append_frame(Opcode::binary, Bytes::copy_of(std::string(300, 'x')), out);
  append_frame(Opcode::ping, Bytes::copy_of("?"), out);
  append_close(CloseCode::normal, "done", out);
  const Bytes sent = Bytes::join(out);
  Reader reader(message_size_max, From::server);
  std::vector<Event> events;
  EXPECT_TRUE(reader.between_messages());
  ASSERT_TRUE(reader.feed(sent.view().first(100), events));
  EXPECT_FALSE(reader.between_messages());
  ASSERT_TRUE(reader.feed(sent.view().subspan(100), events));
  const std::vector<Event> wanted{Message{MessageKind::binary, Bytes::copy_of(std::string(300, 'x'))},
                                  Ping{Bytes::copy_of("?")}, Close{1000, "done"}};
  EXPECT_EQ(events, wanted);
  Reader other(message_size_max, From::server);
  EXPECT_FALSE(other.feed(as_bytes(masked({fin | 1, "a"})), events));
}

RC_GTEST_PROP(WebSocket, messages_come_through_however_they_are_fragmented_masked_and_cut, ()) {
  std::string stream;
  std::vector<Event> sent;
  const auto messages = *rc::gen::inRange(1, 5);
  for (int i = 0; i < messages; ++i) {
    const bool text = *rc::gen::arbitrary<bool>();
    const auto fragments = *rc::gen::inRange(1, 4);
    std::string content;
    for (int k = 0; k < fragments; ++k) {
      const auto size = *rc::gen::element<size_t>(0, 1, 125, 126, 127, 900);
      const std::string payload(size, static_cast<char>(*rc::gen::inRange('a', 'z')));
      const auto opcode = k > 0 ? Opcode::continuation : text ? Opcode::text : Opcode::binary;
      const uint8_t first = static_cast<uint8_t>(opcode) | (k + 1 == fragments ? fin : 0);
      stream += masked({first, payload}, {}, *rc::gen::arbitrary<uint32_t>());
      content += payload;
      if (*rc::gen::arbitrary<bool>()) {
        const std::string asked(*rc::gen::inRange<size_t>(0, control_size_max + 1), 'p');
        stream += masked({fin | 9, asked});
        if (k + 1 < fragments)
          sent.emplace_back(Ping{Bytes::copy_of(asked)});
        else
          sent.insert(sent.end(), {Message{text ? MessageKind::text : MessageKind::binary, Bytes::copy_of(content)},
                                   Ping{Bytes::copy_of(asked)}});
      } else if (k + 1 == fragments) {
        sent.emplace_back(Message{text ? MessageKind::text : MessageKind::binary, Bytes::copy_of(content)});
      }
    }
  }
  const Got got = read(stream, *rc::gen::inRange<size_t>(1, 300));
  RC_ASSERT(got.result.has_value());
  RC_ASSERT(got.events == sent);
}

}  // namespace
}  // namespace klieg::wire::websocket

#include "wire/rtmp_handshake.h"

#include <gtest/gtest.h>
#include <openssl/hmac.h>
#include <rapidcheck/gtest.h>

#include "wire/test_material.h"

namespace klieg::wire::rtmp {
namespace {

// Passes bytes to and fro in pieces of `piece` until neither side has more.
void shake(HandshakeServer& server, HandshakeClient& client, size_t piece) {
  ByteWriter to_server;
  client.begin(to_server);
  ByteWriter to_client;
  size_t sent_to_server = 0;
  size_t sent_to_client = 0;
  bool moved = true;
  const auto pass = [&](ByteWriter& from, size_t& sent, auto& to, ByteWriter& answer) {
    if (sent == from.size()) return;
    ByteView bytes = from.view().subspan(sent, std::min(piece, from.size() - sent));
    const size_t size = bytes.size();
    to.receive(bytes, answer);
    sent += size - bytes.size();
    moved |= bytes.size() < size;
  };
  while (moved) {
    moved = false;
    pass(to_server, sent_to_server, server, to_client);
    pass(to_client, sent_to_client, client, to_server);
  }
  EXPECT_EQ(sent_to_server, to_server.size());
  EXPECT_EQ(sent_to_client, to_client.size());
}

RC_GTEST_PROP(RtmpHandshake, both_forms_agree_however_the_bytes_arrive, ()) {
  const auto form = *rc::gen::element(HandshakeForm::simple, HandshakeForm::digest);
  HandshakeServer server(*rc::gen::arbitrary<uint64_t>());
  HandshakeClient client(form, *rc::gen::arbitrary<uint64_t>());
  shake(server, client, *rc::gen::inRange<size_t>(1, 5000));
  RC_ASSERT(server.state() == HandshakeState::done);
  RC_ASSERT(client.state() == HandshakeState::done);
  RC_ASSERT(server.form() == form);
  RC_ASSERT(client.form() == form);
}

TEST(RtmpHandshake, bytes_behind_the_handshake_are_left_to_the_chunk_streams) {
  HandshakeServer server(1);
  std::vector<uint8_t> sent(1 + 2 * handshake_packet_size);
  sent[0] = 3;
  sent.push_back(0x42);
  ByteView bytes(sent);
  ByteWriter out;
  EXPECT_EQ(server.receive(bytes, out), HandshakeState::done);
  EXPECT_EQ(bytes.size(), 1u);
  EXPECT_EQ(bytes[0], 0x42);
  EXPECT_EQ(out.size(), 1 + 2 * handshake_packet_size);
}

TEST(RtmpHandshake, the_simple_form_answers_with_an_echo_of_c1) {
  const auto c0c1 = test_material("suites/rtmp-go-golden/tests/golden/handshake_valid_c0c1.bin");
  KLIEG_SKIP_WITHOUT(c0c1);
  HandshakeServer server(1);
  ByteView bytes(c0c1);
  ByteWriter out;
  EXPECT_EQ(server.receive(bytes, out), HandshakeState::waiting);
  ASSERT_EQ(out.size(), 1 + 2 * handshake_packet_size);
  EXPECT_TRUE(std::ranges::equal(out.view().last(handshake_packet_size), ByteView(c0c1).subspan(1)));
  EXPECT_EQ(server.form(), HandshakeForm::simple);
}

// Captured between others' programs: our arithmetic must agree with theirs on both sides.
TEST(RtmpHandshake, digests_of_captured_handshakes_are_found_and_their_answers_verified) {
  for (const std::string prefix : {"suites/fq/format/rtmp/testdata/", "suites/fq/format/rtmp/testdata/ffmpeg_"}) {
    const auto client = test_material(prefix + "client_stream");
    const auto server = test_material(prefix + "server_stream");
    KLIEG_SKIP_WITHOUT(client);
    KLIEG_SKIP_WITHOUT(server);
    const ByteView c1 = ByteView(client).subspan(1, handshake_packet_size);
    const ByteView s1 = ByteView(server).subspan(1, handshake_packet_size);
    const ByteView c2 = ByteView(client).subspan(1 + handshake_packet_size, handshake_packet_size);
    const ByteView s2 = ByteView(server).subspan(1 + handshake_packet_size, handshake_packet_size);
    const auto c1_digest = find_digest(c1, HandshakeSide::client);
    const auto s1_digest = find_digest(s1, HandshakeSide::server);
    ASSERT_TRUE(c1_digest.has_value()) << prefix;
    EXPECT_EQ(find_digest(c1, HandshakeSide::server), std::nullopt);
    if (s1_digest) {
      EXPECT_TRUE(answers_digest(s2, c1.subspan(*c1_digest, 32), HandshakeSide::server)) << prefix;
      EXPECT_TRUE(answers_digest(c2, s1.subspan(*s1_digest, 32), HandshakeSide::client)) << prefix;
      EXPECT_FALSE(answers_digest(c2, c1.subspan(*c1_digest, 32), HandshakeSide::client));
    }
  }
}

TEST(RtmpHandshake, a_real_ffmpeg_is_answered_in_the_digest_form) {
  const auto sent = test_material("suites/rtmp-client-captures/ffmpeg-5.1-copy.c2s");
  KLIEG_SKIP_WITHOUT(sent);
  HandshakeServer server(7);
  ByteView bytes(sent);
  ByteWriter out;
  EXPECT_EQ(server.receive(bytes, out), HandshakeState::done);
  EXPECT_EQ(server.form(), HandshakeForm::digest);
  const ByteView c1 = ByteView(sent).subspan(1, handshake_packet_size);
  const auto digest = find_digest(c1, HandshakeSide::client);
  ASSERT_TRUE(digest.has_value());
  EXPECT_TRUE(find_digest(out.view().subspan(1, handshake_packet_size), HandshakeSide::server).has_value());
  EXPECT_TRUE(answers_digest(out.view().last(handshake_packet_size), c1.subspan(*digest, 32), HandshakeSide::server));
}

TEST(RtmpHandshake, a_digest_in_the_second_block_is_answered_in_the_second_block) {
  std::vector<uint8_t> c0c1(1 + handshake_packet_size);
  c0c1[0] = 3;
  for (size_t i = 5; i < c0c1.size(); ++i) c0c1[i] = static_cast<uint8_t>(i * 7);
  const std::span<uint8_t> c1 = std::span(c0c1).subspan(1);
  const size_t offset = (c1[772] + c1[773] + c1[774] + c1[775]) % 728 + 776;
  std::vector<uint8_t> without(c1.begin(), c1.end());
  without.erase(without.begin() + static_cast<ptrdiff_t>(offset),
                without.begin() + static_cast<ptrdiff_t>(offset + 32));
  HMAC(EVP_sha256(), "Genuine Adobe Flash Player 001", 30, without.data(), without.size(), c1.data() + offset, nullptr);

  HandshakeServer server(5);
  ByteView bytes(c0c1);
  ByteWriter out;
  server.receive(bytes, out);
  EXPECT_EQ(server.form(), HandshakeForm::digest);
  const auto s1_digest = find_digest(out.view().subspan(1, handshake_packet_size), HandshakeSide::server);
  ASSERT_TRUE(s1_digest.has_value());
  EXPECT_GE(*s1_digest, 776u);
  EXPECT_TRUE(answers_digest(out.view().last(handshake_packet_size), c1.subspan(offset, 32), HandshakeSide::server));
}

TEST(RtmpHandshake, a_browser_is_recognised_by_its_first_byte) {
  HandshakeServer server(1);
  const std::string_view request = "GET / HTTP/1.1\r\n";
  ByteView bytes = as_bytes(request);
  ByteWriter out;
  EXPECT_EQ(server.receive(bytes, out), HandshakeState::not_rtmp);
  EXPECT_EQ(out.size(), 0u);
}

TEST(RtmpHandshake, the_encrypted_form_is_not_supported) {
  HandshakeServer server(1);
  const std::vector<uint8_t> rtmpe = {6};
  ByteView bytes(rtmpe);
  ByteWriter out;
  EXPECT_EQ(server.receive(bytes, out), HandshakeState::not_supported);
}

}  // namespace
}  // namespace klieg::wire::rtmp

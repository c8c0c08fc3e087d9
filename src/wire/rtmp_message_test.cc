#include "wire/rtmp_message.h"

#include <gtest/gtest.h>

#include "wire/test_material.h"

namespace klieg::wire::rtmp {
namespace {

using amf0::Object;
using amf0::Value;

Bytes golden(const std::string& name) {
  return Bytes::take(test_material("suites/rtmp-go-golden/tests/golden/control_" + name + ".bin"));
}

TEST(RtmpMessage, control_messages_have_the_bytes_that_others_write) {
  KLIEG_SKIP_WITHOUT(golden("set_chunk_size_4096"));
  EXPECT_EQ(set_chunk_size(4096).payload, golden("set_chunk_size_4096"));
  EXPECT_EQ(acknowledgement(1'000'000).payload, golden("acknowledgement_1M"));
  EXPECT_EQ(window_acknowledgement_size(2'500'000).payload, golden("window_ack_size_2_5M"));
  EXPECT_EQ(set_peer_bandwidth(2'500'000, BandwidthLimit::dynamic).payload, golden("set_peer_bandwidth_dynamic"));
  EXPECT_EQ(user_control(UserControl::stream_begin, 1).payload, golden("user_control_stream_begin"));
}

TEST(RtmpMessage, a_command_is_read_back_as_it_was_written) {
  const Command command{"publish", 5, amf0::Null{}, {"key", "live"}};
  const Message message = command_message(command, 1);
  EXPECT_EQ(message.stream_id, 1u);
  EXPECT_EQ(parse_command(message), command);
  EXPECT_EQ(parse_command(message)->text_argument(1), "live");
  EXPECT_EQ(parse_command(message)->text_argument(2), "");
}

TEST(RtmpMessage, an_amf3_command_is_an_amf0_command_behind_a_zero_byte) {
  const Command command{"createStream", 4, amf0::Null{}, {}};
  Message message = command_message(command, 0);
  ByteWriter content;
  content.u8(0);
  content.bytes(message.payload);
  EXPECT_EQ(parse_command({MessageType::amf3_command, 0, 0, content.take()}), command);
}

TEST(RtmpMessage, a_command_without_a_name_is_refused) {
  ByteWriter content;
  write_value(content, Value(1.0));
  EXPECT_FALSE(parse_command({MessageType::amf0_command, 0, 0, content.take()}).has_value());
  EXPECT_FALSE(parse_command({MessageType::amf0_command, 0, 0, {}}).has_value());
}

TEST(RtmpMessage, connect_carries_what_enhanced_rtmp_adds) {
  ConnectRequest request{"live", "rtmp://host/live", "Klieg", 0, {}};
  request.capabilities.fourccs = {"hvc1", "av01"};
  request.capabilities.video = {{"*", fourcc_can_forward}, {"hvc1", fourcc_can_encode}};
  request.capabilities.audio = {{"Opus", fourcc_can_encode}};
  request.capabilities.extended = capability_reconnect | capability_mod_ex;
  const Result<Command> command = parse_command(command_message(connect_command(request, 1), 0));
  ASSERT_TRUE(command.has_value());
  const ConnectRequest parsed = parse_connect(*command);
  EXPECT_EQ(parsed.app, "live");
  EXPECT_EQ(parsed.tc_url, "rtmp://host/live");
  EXPECT_EQ(parsed.flash_version, "Klieg");
  EXPECT_EQ(parsed.capabilities, request.capabilities);
}

TEST(RtmpMessage, capabilities_are_told_only_to_those_who_told_theirs) {
  Capabilities ours;
  ours.extended = capability_reconnect;
  ConnectRequest request;
  EXPECT_EQ(connect_result(request, 1, ours).arguments.at(0).find("capsEx"), nullptr);
  request.capabilities.fourccs = {"hvc1"};
  EXPECT_EQ(connect_result(request, 1, ours).arguments.at(0).number_at("capsEx"), 1);
}

TEST(RtmpMessage, the_answer_to_connect_may_say_what_time_it_is) {
  const WallTime time(1'800'000'000s + 123ms);
  const auto read_back = [](const Command& command) {
    return server_time_in(*parse_command(command_message(command, 0)));
  };
  EXPECT_EQ(read_back(connect_result({}, 1, {}, time)), time);
  EXPECT_EQ(read_back(connect_result({}, 1, {})), std::nullopt);
  for (const double nonsense : {-1.0, 1e300, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(read_back({"_result", 1, amf0::Null{}, {Object{{{"serverTimeMs", nonsense}}}}}), std::nullopt);
  }
}

TEST(RtmpMessage, a_mask_that_is_no_mask_says_nothing) {
  for (const double mask : {-1.0, 1e300, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(parse_connect({"connect", 1, Object{{{"capsEx", mask}}}, {}}).capabilities.extended, 0u);
  }
}

TEST(RtmpMessage, half_control_messages_are_refused) {
  EXPECT_FALSE(parse_control_value({MessageType::acknowledgement, 0, 0, Bytes::copy_of("abc")}).has_value());
  EXPECT_FALSE(parse_user_control({MessageType::user_control, 0, 0, Bytes::copy_of("abcde")}).has_value());
}

}  // namespace
}  // namespace klieg::wire::rtmp

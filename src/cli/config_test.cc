#include "cli/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace klieg::cli {
namespace {

std::string toml_error(std::string_view document) {
  Config config;
  auto read = read_toml(config, document, "klieg.toml");
  return read ? "" : read.error().message;
}

TEST(Config, every_setting_is_read_from_toml_and_environment_under_the_same_name) {
  Config from_toml;
  ASSERT_TRUE(read_toml(from_toml, "[rtmp]\nlisten = \"127.0.0.1:0\"\n[origin]\nlive_window_s = 30\n", "f"));
  Config from_environment;
  ASSERT_TRUE(read_environment(
      from_environment, {{"KLIEG_RTMP_LISTEN", "127.0.0.1:0"}, {"HOME", "/"}, {"KLIEG_ORIGIN_LIVE_WINDOW_S", "30"}}));
  EXPECT_EQ(from_toml.rtmp, "127.0.0.1:0");
  EXPECT_EQ(from_environment.rtmp, from_toml.rtmp);
  EXPECT_EQ(from_toml.live_window_s, 30u);
  EXPECT_EQ(from_environment.live_window_s, 30u);
}

TEST(Config, an_unknown_key_is_refused_with_file_line_and_the_nearest_name) {
  EXPECT_EQ(toml_error("[rtmp]\n\nlisen = \"x\"\n"),
            "klieg.toml:3: unknown key 'rtmp.lisen'; did you mean 'rtmp.listen'?");
  EXPECT_EQ(toml_error("[rtmp]\nlisten = \"nonsense:99999\"\n").substr(0, 26), "klieg.toml:2: rtmp.listen:");
}

TEST(Config, an_unknown_section_is_refused_also_when_nothing_stands_in_it) {
  EXPECT_EQ(toml_error("[http]\n\n[rtpm]\n# listen = \"0.0.0.0:1935\"\n"),
            "klieg.toml:3: unknown section 'rtpm'; did you mean 'rtmp'?");
  EXPECT_EQ(toml_error("[http]\n[edge]\n"), "");
}

TEST(Config, a_malformed_value_names_what_was_wanted) {
  EXPECT_EQ(toml_error("[origin]\nlive_window_s = 5\n"),
            "klieg.toml:2: origin.live_window_s: '5' is not a whole number from 10 to 3600");
  EXPECT_EQ(toml_error("[hls]\nparts = \"files\"\n"), "klieg.toml:2: hls.parts: 'files' is none of: file, range");
  EXPECT_EQ(toml_error("[hls\n").substr(0, 13), "klieg.toml:1:");
}

TEST(Config, an_unknown_environment_variable_is_refused_with_the_nearest_name) {
  Config config;
  auto read = read_environment(config, {{"KLIEG_RTMP_LISTENS", "x"}});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "unknown environment variable KLIEG_RTMP_LISTENS; did you mean 'KLIEG_RTMP_LISTEN'?");
}

TEST(Config, what_kubernetes_says_of_a_service_named_klieg_is_no_setting) {
  Config config;
  EXPECT_TRUE(read_environment(config, {{"KLIEG_PORT", "tcp://10.0.0.7:80"},
                                        {"KLIEG_PORT_80_TCP_ADDR", "10.0.0.7"},
                                        {"KLIEG_SERVICE_HOST", "10.0.0.7"},
                                        {"KLIEG_SERVICE_PORT_HTTP", "80"}}));
}

TEST(Config, channels_come_as_a_list_or_separated_by_commas) {
  Config config;
  ASSERT_TRUE(read_toml(config, "[server]\nchannels = [\"ada:0123456789\", \"bob:abcdefghij\"]\n", "f"));
  ASSERT_TRUE(read_environment(config, {{"KLIEG_SERVER_CHANNELS", "cyn:secretsecret"}}));
  ASSERT_EQ(config.channels.size(), 3u);
  EXPECT_EQ(config.channels[2].name, "cyn");
  EXPECT_TRUE(validate(config, Command::serve));
}

TEST(Config, a_key_is_never_the_public_name_nor_shown) {
  EXPECT_FALSE(parse_channel("ada:ada"));
  EXPECT_FALSE(parse_channel("ada:"));
  auto broken_key = parse_channel("ada:s3cr3t with space");
  ASSERT_FALSE(broken_key);
  EXPECT_EQ(broken_key.error().message.find("s3cr3t"), std::string::npos);
  EXPECT_FALSE(parse_channel("a da:0123456789"));
}

TEST(Config, two_channels_share_neither_name_nor_key) {
  Config config;
  config.channels = {{"ada", "0123456789"}, {"ada", "abcdefghij"}};
  EXPECT_FALSE(validate(config, Command::serve));
  config.channels = {{"ada", "0123456789"}, {"bob", "0123456789"}};
  EXPECT_FALSE(validate(config, Command::serve));
}

TEST(Config, an_address_has_limits_and_whoever_is_trusted_has_none) {
  Config config;
  EXPECT_EQ(config.address_limits.connections_max, 2'000u);
  EXPECT_EQ(config.address_limits.requests_per_s_max, 4'000u);
  EXPECT_EQ(config.rtmp_connections_per_address_max, 500u);
  ASSERT_TRUE(read_toml(config,
                        "[http]\nconnections_per_address_max = 0\nrequests_per_address_max = 7\n"
                        "trusted_addresses = [\"10.0.0.0/8\", \"2001:db8::1\"]\n"
                        "[rtmp]\nconnections_per_address_max = 9\n",
                        "f"));
  EXPECT_EQ(config.address_limits.connections_max, 0u);
  EXPECT_EQ(config.address_limits.requests_per_s_max, 7u);
  EXPECT_EQ(config.rtmp_connections_per_address_max, 9u);
  ASSERT_EQ(config.trusted_addresses.size(), 2u);
  EXPECT_TRUE(config.trusted_addresses[0].contains(*edge::client_address_of("10.1.2.3")));
  EXPECT_EQ(toml_error("[http]\ntrusted_addresses = \"10.0.0.0/33\"\n"),
            "klieg.toml:2: http.trusted_addresses: '10.0.0.0/33' is neither an address nor a range of them, as "
            "10.0.0.0/8 is");
}

TEST(Config, tls_ports_without_a_certificate_are_refused) {
  Config config;
  config.https = ":8443";
  EXPECT_FALSE(validate(config, Command::serve));
}

TEST(Config, a_node_of_several_says_what_it_is_and_has_what_that_takes) {
  const auto words = [](std::vector<std::pair<std::string, std::string>> settings) {
    Config config;
    auto done = read_environment(config, settings);
    if (done) done = validate(config, Command::serve);
    return done ? std::string() : done.error().message;
  };
  const std::pair<std::string, std::string> bus{"KLIEG_BUS_NATS", "nats://10.0.0.9"},
      secret{"KLIEG_NODE_SECRET", "what all nodes of it know"}, address{"KLIEG_NODE_ADDRESS", "10.0.0.1"},
      database{"KLIEG_STUDIO_DATABASE", "postgresql://klieg@10.0.0.9/klieg"};
  const auto roles = [](std::string text) { return std::pair<std::string, std::string>{"KLIEG_SERVER_ROLES", text}; };
  using testing::HasSubstr;
  EXPECT_EQ(words({bus, secret, address, database}), "");
  EXPECT_EQ(words({bus, secret, address, roles("edge")}), "");
  EXPECT_EQ(words({bus, secret, database, {"KLIEG_HTTP_LISTEN", "10.0.0.1:8080"}}), "");
  EXPECT_THAT(words({roles("home,edges")}), HasSubstr("'edges' is none of: studio, home, edge"));
  EXPECT_THAT(words({roles("")}), HasSubstr("a node is something"));
  EXPECT_THAT(words({roles("edge")}), HasSubstr("--bus"));
  EXPECT_THAT(words({bus, address, database}), HasSubstr("--node-secret"));
  EXPECT_THAT(words({bus, secret, database}), HasSubstr("--node-address"));
  EXPECT_THAT(words({bus, secret, address, roles("studio")}), HasSubstr("--database postgresql://"));
  EXPECT_THAT(words({bus, secret, address, database, {"KLIEG_RTMP_LISTEN", ""}}), HasSubstr("--rtmp"));
  EXPECT_EQ(words({bus, secret, address, roles("edge"), {"KLIEG_RTMP_LISTEN", ""}}), "");
  EXPECT_THAT(words({{"KLIEG_BUS_NATS", "10.0.0.9:4222"}}), HasSubstr("nats://HOST:PORT"));
}

TEST(Config, the_sample_file_names_every_setting_and_nothing_else) {
  std::ifstream file(KLIEG_SOURCE_DIR "/deploy/klieg.toml");
  ASSERT_TRUE(file) << "deploy/klieg.toml is part of the repository";
  std::string uncommented;
  for (std::string line; std::getline(file, line);) {
    // "# key = value" is a setting at its default; any other comment stays one.
    const bool setting = line.starts_with("# ") && line.find(" = ") != std::string::npos;
    uncommented += (setting ? line.substr(2) : line) + "\n";
  }
  Config config;
  auto read = read_toml(config, uncommented, "deploy/klieg.toml");
  EXPECT_TRUE(read) << read.error().message;
  EXPECT_EQ(config.channels.size(), 1u);

  const Config defaults;
  EXPECT_EQ(config.http, defaults.http);
  EXPECT_EQ(config.admin, defaults.admin);
  EXPECT_EQ(config.rejoin_window_s, defaults.rejoin_window_s);
  EXPECT_EQ(config.part_duration_ms, defaults.part_duration_ms);
  EXPECT_EQ(config.live_window_s, defaults.live_window_s);
  for (const Setting& setting : settings()) {
    const std::string key(setting.name.substr(setting.name.find('.') + 1));
    EXPECT_NE(uncommented.find("\n" + key + " = "), std::string::npos) << setting.name << " is missing in the sample";
  }
}

}  // namespace
}  // namespace klieg::cli

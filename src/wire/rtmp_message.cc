#include "wire/rtmp_message.h"

#include <cmath>

namespace klieg::wire::rtmp {
namespace {

using amf0::Object;
using amf0::StrictArray;
using amf0::Value;

Message control(MessageType type, ByteWriter content) { return {type, 0, 0, content.take()}; }

Message control_u32(MessageType type, uint32_t value) {
  ByteWriter content;
  content.u32(value);
  return control(type, std::move(content));
}

// Masks come as AMF numbers; what is no small whole number says nothing.
uint32_t mask_of(double number) { return number >= 0 && number < 0x1p32 ? static_cast<uint32_t>(number) : 0; }

constexpr const char* server_time_name = "serverTimeMs";
constexpr size_t fourccs_max = 32;  // more are ignored: about a dozen codecs have one

std::vector<FourCc> parse_info_map(const Value* map) {
  std::vector<FourCc> fourccs;
  const auto* properties = map ? map->properties() : nullptr;
  if (!properties) return fourccs;
  for (const amf0::Property& property : *properties) {
    const double* number = property.value.number();
    if (number && fourccs.size() < fourccs_max) fourccs.push_back({property.name, mask_of(*number)});
  }
  return fourccs;
}

Capabilities parse_capabilities(const Value& object) {
  Capabilities capabilities;
  const Value* list = object.find("fourCcList");
  if (const auto* elements = list ? list->elements() : nullptr) {
    for (const Value& element : *elements) {
      if (element.text() && capabilities.fourccs.size() < fourccs_max) capabilities.fourccs.push_back(*element.text());
    }
  }
  capabilities.video = parse_info_map(object.find("videoFourCcInfoMap"));
  capabilities.audio = parse_info_map(object.find("audioFourCcInfoMap"));
  capabilities.extended = mask_of(object.number_at("capsEx"));
  return capabilities;
}

Object info_map(const std::vector<FourCc>& fourccs) {
  Object map;
  for (const FourCc& fourcc : fourccs) map.properties.push_back({fourcc.name, static_cast<double>(fourcc.info)});
  return map;
}

void add_capabilities(Object& object, const Capabilities& capabilities) {
  if (!capabilities.fourccs.empty()) {
    StrictArray list;
    for (const std::string& fourcc : capabilities.fourccs) list.elements.emplace_back(fourcc);
    object.properties.push_back({"fourCcList", std::move(list)});
  }
  if (!capabilities.video.empty()) object.properties.push_back({"videoFourCcInfoMap", info_map(capabilities.video)});
  if (!capabilities.audio.empty()) object.properties.push_back({"audioFourCcInfoMap", info_map(capabilities.audio)});
  if (capabilities.extended != 0) object.properties.push_back({"capsEx", static_cast<double>(capabilities.extended)});
}

}  // namespace

Message set_chunk_size(uint32_t chunk_size) { return control_u32(MessageType::set_chunk_size, chunk_size); }

Message acknowledgement(uint32_t sequence_number) { return control_u32(MessageType::acknowledgement, sequence_number); }

Message window_acknowledgement_size(uint32_t size) {
  return control_u32(MessageType::window_acknowledgement_size, size);
}

Message set_peer_bandwidth(uint32_t size, BandwidthLimit limit) {
  ByteWriter content;
  content.u32(size);
  content.u8(static_cast<uint8_t>(limit));
  return control(MessageType::set_peer_bandwidth, std::move(content));
}

Message user_control(UserControl event, uint32_t value) {
  ByteWriter content;
  content.u16(static_cast<uint16_t>(event));
  content.u32(value);
  return control(MessageType::user_control, std::move(content));
}

Result<uint32_t> parse_control_value(const Message& message) {
  ByteReader reader(message.payload);
  const uint32_t value = reader.u32();
  if (!reader.ok()) return fail("a control message of fewer than 4 bytes");
  return value;
}

Result<UserControlEvent> parse_user_control(const Message& message) {
  ByteReader reader(message.payload);
  UserControlEvent event;
  event.event = static_cast<UserControl>(reader.u16());
  event.value = reader.u32();
  if (!reader.ok()) return fail("a user control event of fewer than 6 bytes");
  return event;
}

std::string_view Command::text_argument(size_t index) const {
  if (index >= arguments.size() || !arguments[index].text()) return {};
  return *arguments[index].text();
}

std::optional<uint32_t> created_stream(const Command& result) {
  const double* id = result.arguments.empty() ? nullptr : result.arguments[0].number();
  if (id == nullptr || !(*id >= 1 && *id <= 0xFFFF'FFFF)) return std::nullopt;
  return static_cast<uint32_t>(*id);
}

Result<Command> parse_command(const Message& message) {
  ByteView content = message.payload;
  // Type 17 begins with a byte that is 0 in every client seen; what follows is AMF0 with AVM+ markers at most.
  if (message.type == MessageType::amf3_command && !content.empty() && content.front() == 0) {
    content = content.subspan(1);
  }
  Result<std::vector<Value>> values = amf0::read_values(content);
  if (!values) return std::unexpected(values.error());
  if (values->empty() || !values->front().text()) return fail("a command without a name");
  Command command;
  command.name = *values->front().text();
  if (values->size() > 1 && (*values)[1].number()) command.transaction = *(*values)[1].number();
  if (values->size() > 2) command.object = std::move((*values)[2]);
  for (size_t i = 3; i < values->size(); ++i) command.arguments.push_back(std::move((*values)[i]));
  return command;
}

Message command_message(const Command& command, uint32_t stream_id) {
  ByteWriter content;
  write_value(content, Value(command.name));
  write_value(content, Value(command.transaction));
  write_value(content, command.object);
  for (const Value& argument : command.arguments) write_value(content, argument);
  return {MessageType::amf0_command, stream_id, 0, content.take()};
}

Value status_info(StatusLevel level, std::string_view code, std::string_view description) {
  return Object{
      {{"level", level == StatusLevel::error ? "error" : "status"}, {"code", code}, {"description", description}}};
}

Command on_status(StatusLevel level, std::string_view code, std::string_view description) {
  return {"onStatus", 0, amf0::Null{}, {status_info(level, code, description)}};
}

Command reconnect_request(std::string_view tc_url, std::string_view description) {
  Object info{{{"level", "status"}, {"code", "NetConnection.Connect.ReconnectRequest"}, {"description", description}}};
  if (!tc_url.empty()) info.properties.push_back({"tcUrl", tc_url});
  return {"onStatus", 0, amf0::Null{}, {std::move(info)}};
}

ConnectRequest parse_connect(const Command& command) {
  const Value& object = command.object;
  return {std::string(object.text_at("app")), std::string(object.text_at("tcUrl")),
          std::string(object.text_at("flashVer")), object.number_at("objectEncoding"), parse_capabilities(object)};
}

Command connect_command(const ConnectRequest& request, double transaction) {
  Object object{
      {{"app", request.app}, {"type", "nonprivate"}, {"flashVer", request.flash_version}, {"tcUrl", request.tc_url}}};
  add_capabilities(object, request.capabilities);
  return {"connect", transaction, std::move(object), {}};
}

Command connect_result(const ConnectRequest& request, double transaction, const Capabilities& ours,
                       std::optional<WallTime> server_time) {
  Object properties{{{"fmsVer", "FMS/3,0,1,123"}, {"capabilities", 31.0}}};
  Object info{{{"level", "status"},
               {"code", "NetConnection.Connect.Success"},
               {"description", "Connection succeeded."},
               {"objectEncoding", request.object_encoding}}};
  if (server_time) {
    info.properties.push_back({server_time_name, static_cast<double>(to_ms(server_time->time_since_epoch()))});
  }
  // The specification wants the answer's capabilities beside code and description; some clients look in the first
  // object only, so they stand in both.
  if (!request.capabilities.empty()) {
    add_capabilities(properties, ours);
    add_capabilities(info, ours);
  }
  return {"_result", transaction, std::move(properties), {std::move(info)}};
}

std::optional<WallTime> server_time_in(const Command& connect_result) {
  constexpr double year_3000_ms = 32.5e12;
  const double ms = connect_result.info().number_at(server_time_name);
  if (!(ms > 0 && ms < year_3000_ms)) return std::nullopt;
  return WallTime(std::chrono::milliseconds(static_cast<int64_t>(ms)));
}

}  // namespace klieg::wire::rtmp

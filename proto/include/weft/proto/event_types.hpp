#pragma once

#include <string_view>

/// Event types the server itself knows, spelled once.
namespace weft::proto::event_type {

inline constexpr std::string_view kCreate = "m.room.create";
inline constexpr std::string_view kMember = "m.room.member";
inline constexpr std::string_view kPowerLevels = "m.room.power_levels";
inline constexpr std::string_view kJoinRules = "m.room.join_rules";
inline constexpr std::string_view kThirdPartyInvite = "m.room.third_party_invite";
inline constexpr std::string_view kHistoryVisibility = "m.room.history_visibility";
inline constexpr std::string_view kGuestAccess = "m.room.guest_access";
inline constexpr std::string_view kAliases = "m.room.aliases";
inline constexpr std::string_view kCanonicalAlias = "m.room.canonical_alias";
inline constexpr std::string_view kName = "m.room.name";
inline constexpr std::string_view kTopic = "m.room.topic";
inline constexpr std::string_view kAvatar = "m.room.avatar";
inline constexpr std::string_view kEncryption = "m.room.encryption";
inline constexpr std::string_view kEncrypted = "m.room.encrypted";
inline constexpr std::string_view kMessage = "m.room.message";
inline constexpr std::string_view kRedaction = "m.room.redaction";
inline constexpr std::string_view kReaction = "m.reaction";
inline constexpr std::string_view kTombstone = "m.room.tombstone";
inline constexpr std::string_view kServerAcl = "m.room.server_acl";
inline constexpr std::string_view kSpaceChild = "m.space.child";
inline constexpr std::string_view kSpaceParent = "m.space.parent";

}  // namespace weft::proto::event_type

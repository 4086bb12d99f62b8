#include "weft/handlers/accounts/profiles.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "character_count.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/ids.hpp"

namespace weft::handlers {
namespace {

constexpr std::string_view kDisplayname = "displayname";
constexpr std::string_view kAvatarUrl = "avatar_url";

core::MatrixError no_profile() {
    return core::MatrixError::not_found("Profile was not found");
}

bool is_namespaced_part(std::string_view part) {
    const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
    return !part.empty() && is_letter(part.front()) && std::ranges::all_of(part, [&](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
    });
}

void check_owner(const std::string& requester, const std::string& user_id) {
    if (requester != user_id) throw core::MatrixError::forbidden("You cannot change the profile of another user");
}

/// PostgreSQL stores no U+0000, neither in texts nor in names.
bool holds_nul(const boost::json::value& value) {
    const auto has_nul = [](std::string_view text) { return text.find('\0') != std::string_view::npos; };
    if (const auto* text = value.if_string()) return has_nul(*text);
    if (const auto* array = value.if_array()) return std::ranges::any_of(*array, holds_nul);
    const auto* object = value.if_object();
    return object && std::ranges::any_of(*object, [&](const auto& member) {
        return has_nul(member.key()) || holds_nul(member.value());
    });
}

void check_length(ProfileField field, std::string_view value) {
    const bool too_long = field == ProfileField::kDisplayname
                              ? character_count(value) > Profiles::kDisplaynameCharactersMax
                              : value.size() > Profiles::kAvatarUrlBytesMax;
    if (too_long) throw core::MatrixError::invalid_param(fmt::format("{} is too long", to_string(field)));
}

void set_or_erase(boost::json::object& content, std::string_view key,
                  const std::optional<std::string>& value) {
    if (value) {
        content[key] = *value;
    } else {
        content.erase(key);
    }
}

}  // namespace

std::string_view to_string(ProfileField field) {
    return field == ProfileField::kDisplayname ? kDisplayname : kAvatarUrl;
}

std::optional<ProfileField> parse_profile_field(std::string_view name) {
    if (name == kDisplayname) return ProfileField::kDisplayname;
    if (name == kAvatarUrl) return ProfileField::kAvatarUrl;
    return std::nullopt;
}

bool is_valid_profile_key(std::string_view name) {
    if (parse_profile_field(name)) return true;
    if (name.size() > 255 || name.find('.') == std::string_view::npos) return false;
    while (true) {
        const auto dot = name.find('.');
        if (!is_namespaced_part(name.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        name.remove_prefix(dot + 1);
    }
}

boost::json::object member_content_with_profile(boost::json::object content,
                                                const storage::Profile& profile) {
    for (const auto* key : {"reason", "join_authorised_via_users_server", "third_party_invite"})
        content.erase(key);
    set_or_erase(content, kDisplayname, profile.displayname);
    set_or_erase(content, kAvatarUrl, profile.avatar_url);
    return content;
}

Profiles::Profiles(storage::ProfileStore& profiles, storage::StateStore& state, EventSender& sender,
                   const core::Config& config, asio::any_io_executor executor)
    : profiles_{profiles},
      state_{state},
      sender_{sender},
      config_{config},
      background_{std::move(executor)} {}

Task<std::shared_ptr<const storage::Profile>> Profiles::get(std::string user_id) {
    const auto parsed = proto::UserId::parse(user_id);
    if (!parsed) throw core::MatrixError::invalid_param("Invalid user ID");
    if (parsed->server_name() != config_.server_name) throw no_profile();
    auto profile = co_await profiles_.get(std::string{parsed->localpart()});
    if (!profile) throw no_profile();
    co_return profile;
}

Task<std::string> Profiles::get_field(std::string user_id, ProfileField field) {
    const auto profile = co_await get(std::move(user_id));
    const auto& value = field == ProfileField::kDisplayname ? profile->displayname : profile->avatar_url;
    if (!value) throw core::MatrixError::not_found(fmt::format("The profile has no {}", to_string(field)));
    co_return *value;
}

Task<boost::json::value> Profiles::get_custom_field(std::string user_id, std::string name) {
    const auto profile = co_await get(std::move(user_id));
    const auto* value = profile->fields.if_contains(name);
    if (!value) throw core::MatrixError::not_found(fmt::format("The profile has no {}", name));
    co_return *value;
}

Task<void> Profiles::set_custom_field(std::string requester, std::string user_id, std::string name,
                                      boost::json::value value) {
    check_owner(requester, user_id);
    if (holds_nul(value)) throw core::MatrixError::bad_json("A profile cannot hold U+0000");
    auto localpart = std::string{proto::UserId::trusted(user_id).localpart()};
    const bool stored = co_await profiles_.set_custom_field(std::move(localpart), std::move(name), std::move(value),
                                                            kProfileBytesMax);
    if (!stored) throw core::MatrixError{400, "M_PROFILE_TOO_LARGE", "The profile would be larger than 64 KiB"};
}

Task<void> Profiles::remove_custom_field(std::string requester, std::string user_id, std::string name) {
    check_owner(requester, user_id);
    co_await profiles_.remove_custom_field(std::string{proto::UserId::trusted(user_id).localpart()}, std::move(name));
}

Task<void> Profiles::set_field(std::string requester, std::string user_id, ProfileField field,
                               std::optional<std::string> value) {
    check_owner(requester, user_id);
    if (value && value->empty()) value.reset();
    if (value) check_length(field, *value);
    auto localpart = std::string{proto::UserId::trusted(user_id).localpart()};
    if (field == ProfileField::kDisplayname) {
        co_await profiles_.set_displayname(std::move(localpart), std::move(value));
    } else {
        co_await profiles_.set_avatar_url(std::move(localpart), std::move(value));
    }
    for (const auto& callback : on_changed_) callback(user_id);
    background_.spawn("update_profile_in_rooms", [this, user_id] { return update_rooms(user_id); });
}

Task<void> Profiles::update_rooms(std::string user_id) {
    const auto guard = co_await updates_.lock(user_id);
    const auto rooms = co_await state_.rooms_of_user(user_id);
    std::vector<proto::RoomId> joined;
    for (const auto& [room_id, room] : *rooms) {
        if (room.membership == "join") joined.push_back(room_id);
    }
    for (const auto& room_id : joined) {
        try {
            co_await update_room(user_id, room_id);
        } catch (const core::MatrixError& error) {
            // Banned or gone meanwhile; the other rooms still want to know.
            core::log_info("accounts", "profile of {} not updated in {}: {}", user_id, room_id, error.what());
        }
    }
}

Task<void> Profiles::update_room(std::string user_id, proto::RoomId room_id) {
    const auto profile = co_await profiles_.get(std::string{proto::UserId::trusted(user_id).localpart()});
    if (!profile) co_return;
    const auto member =
        co_await state_.current_event(room_id, std::string{proto::event_type::kMember}, user_id);
    if (!member || member->membership() != "join") co_return;
    auto content = member_content_with_profile(member->content(), *profile);
    if (content == member->content()) co_return;

    proto::EventDraft draft{.room_id = room_id,
                            .sender = proto::UserId::trusted(user_id),
                            .type = std::string{proto::event_type::kMember},
                            .state_key = user_id,
                            .content = std::move(content),
                            .redacts = std::nullopt};
    SendRequest request{std::move(draft)};
    request.ratelimit = false;
    co_await sender_.send(std::move(request));
}

Task<void> Profiles::stop(std::int64_t deadline_ms) {
    co_await background_.drain(deadline_ms);
}

}  // namespace weft::handlers

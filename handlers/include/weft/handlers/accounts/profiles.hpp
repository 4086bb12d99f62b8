#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "weft/core/background.hpp"
#include "weft/core/config.hpp"
#include "weft/core/linearizer.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/event_sender.hpp"
#include "weft/storage/profile_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// The profile fields that are part of membership events too.
enum class ProfileField { kDisplayname, kAvatarUrl };
std::string_view to_string(ProfileField field);
std::optional<ProfileField> parse_profile_field(std::string_view name);
/// Whether the specification allows the name: displayname, avatar_url, m.tz or a namespaced one.
bool is_valid_profile_key(std::string_view name);

/// Profiles of local users. A change is carried into the membership events of the user's rooms by a
/// background process (client-server API, "Events on Change of Profile Information"); it reads the profile
/// when it gets to it, so that of several changes the last one wins in every room.
class Profiles {
public:
    static constexpr std::size_t kDisplaynameCharactersMax = 256;
    static constexpr std::size_t kAvatarUrlBytesMax = 1000;
    static constexpr std::size_t kProfileBytesMax = 65'536;

    Profiles(storage::ProfileStore& profiles, storage::StateStore& state, EventSender& sender,
             const core::Config& config, asio::any_io_executor executor);

    /// Throws MatrixError 404 M_NOT_FOUND if this server knows no profile of the user.
    Task<std::shared_ptr<const storage::Profile>> get(std::string user_id);
    /// Throws MatrixError 404 M_NOT_FOUND if there is none or the field is not set.
    Task<std::string> get_field(std::string user_id, ProfileField field);
    /// `requester` may only change their own profile (403 M_FORBIDDEN). An empty or no value removes the
    /// field. Throws M_INVALID_PARAM for a value that is too long.
    Task<void> set_field(std::string requester, std::string user_id, ProfileField field,
                         std::optional<std::string> value);

    /// Any other field, with any value; the same for `requester`. Throws MatrixError 404 M_NOT_FOUND, 400
    /// M_PROFILE_TOO_LARGE.
    Task<boost::json::value> get_custom_field(std::string user_id, std::string name);
    Task<void> set_custom_field(std::string requester, std::string user_id, std::string name, boost::json::value value);
    Task<void> remove_custom_field(std::string requester, std::string user_id, std::string name);

    /// Called after each change of a ProfileField, for what else carries the profile: presence does.
    void on_changed(std::function<void(const std::string& user_id)> callback) {
        on_changed_.push_back(std::move(callback));
    }
    /// Lets rooms that are being updated finish, for at most `deadline_ms`.
    Task<void> stop(std::int64_t deadline_ms);

private:
    Task<void> update_rooms(std::string user_id);
    Task<void> update_room(std::string user_id, proto::RoomId room_id);

    storage::ProfileStore& profiles_;
    storage::StateStore& state_;
    EventSender& sender_;
    const core::Config& config_;
    std::vector<std::function<void(const std::string&)>> on_changed_;
    core::Linearizer updates_{"profile_update"};
    core::BackgroundTasks background_;
};

/// `content` of a membership event with the profile as it is now. Members that belonged to the act of joining
/// (a reason, who authorised it, a third-party invite) are left out.
boost::json::object member_content_with_profile(boost::json::object content, const storage::Profile& profile);

}  // namespace weft::handlers

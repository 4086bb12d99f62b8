#include "weft/handlers/admin/user_admin.hpp"

#include <algorithm>

#include <boost/json/array.hpp>

#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/handlers/accounts/access_token.hpp"
#include "weft/proto/ids.hpp"

namespace weft::handlers {

using core::MatrixError;
namespace json = boost::json;

namespace {

constexpr std::int64_t kMsPerSecond = 1000;

json::value or_null(const std::optional<std::string>& text) {
    if (!text) return nullptr;
    return json::value(*text);
}

json::object document(const storage::ListedUser& listed) {
    const auto& user = listed.user;
    json::object out{{"name", user.user_id},
                     {"is_guest", user.guest},
                     {"admin", user.admin},
                     {"deactivated", user.deactivated},
                     {"locked", user.locked},
                     {"suspended", user.suspended},
                     {"shadow_banned", false},
                     {"erased", listed.erased},
                     {"creation_ts", user.creation_ts_s * kMsPerSecond}};
    out["user_type"] = or_null(user.user_type);
    out["displayname"] = or_null(listed.displayname);
    out["avatar_url"] = or_null(listed.avatar_url);
    out["appservice_id"] = or_null(user.appservice_id);
    out["last_seen_ts"] = listed.last_seen_ms ? json::value(*listed.last_seen_ms) : json::value(nullptr);
    return out;
}

MatrixError unknown_user() {
    return MatrixError::not_found("User not found");
}

}  // namespace

void UserAdmin::require_local(const std::string& user_id) const {
    const auto parsed = proto::UserId::parse(user_id);
    if (!parsed || parsed->server_name() != parts_.config.server_name) {
        throw MatrixError::invalid_param("This endpoint is for users of this server");
    }
}

Task<void> UserAdmin::require_user(std::string user_id) {
    require_local(user_id);
    if (!co_await parts_.users.get_user(std::move(user_id))) throw unknown_user();
}

Task<json::object> UserAdmin::list(storage::UserPageQuery query) {
    const auto end = query.from + query.limit;
    const auto page = co_await parts_.admin_users.page(std::move(query));
    json::array users;
    for (const auto& user : page.users) users.push_back(document(user));
    json::object out{{"users", std::move(users)}, {"total", page.total}};
    if (end < page.total) out["next_token"] = std::to_string(end);
    co_return out;
}

Task<json::object> UserAdmin::show(std::string user_id) {
    require_local(user_id);
    const auto user = co_await parts_.admin_users.get(user_id);
    if (!user) throw unknown_user();
    auto out = document(*user);
    json::array three_pids;
    for (const auto& id : co_await parts_.three_pids.of_user(user_id)) {
        three_pids.push_back(json::object{{"medium", id.medium},
                                          {"address", id.address},
                                          {"validated_at", id.validated_ms},
                                          {"added_at", id.added_ms}});
    }
    out["threepids"] = std::move(three_pids);
    out["external_ids"] = json::array{};
    out["consent_version"] = nullptr;
    out["consent_server_notice_sent"] = nullptr;
    co_return out;
}

Task<bool> UserAdmin::modify(std::string user_id, UserChanges changes) {
    require_local(user_id);
    const auto known = co_await parts_.users.get_user(user_id);
    if (!known) {
        co_await create(user_id, changes);
    } else if (changes.deactivated == false && known->deactivated) {
        if (!changes.password)
            throw MatrixError::invalid_param("Must provide a password to re-activate an account.");
        co_await parts_.accounts.reactivate(user_id, *changes.password);
    } else if (changes.password) {
        co_await reset_password(user_id, *changes.password, changes.logout_devices);
    }
    co_await change_profile(user_id, changes);
    if (known && changes.admin) co_await parts_.users.set_admin(user_id, *changes.admin);
    if (known && changes.user_type) co_await parts_.users.set_user_type(user_id, *changes.user_type);
    if (changes.locked) co_await parts_.users.set_locked(user_id, *changes.locked);
    if (changes.three_pids) co_await change_three_pids(user_id, std::move(*changes.three_pids));
    co_await parts_.tokens.forget_cached_tokens_of_user(user_id);
    if (changes.deactivated == true && !(known && known->deactivated)) {
        co_await parts_.accounts.deactivate(std::move(user_id), Erase::kKeep);
    }
    co_return known == nullptr;
}

Task<void> UserAdmin::create(std::string user_id, const UserChanges& changes) {
    if (!proto::UserId::is_valid_new_localpart(proto::UserId::trusted(user_id).localpart())) {
        throw MatrixError{400, "M_INVALID_USERNAME", "The localpart can only contain a-z, 0-9, or '=_-./+'"};
    }
    NewAccount account;
    account.user_id = std::move(user_id);
    account.password = changes.password;
    account.displayname = changes.displayname;
    account.admin = changes.admin.value_or(false);
    if (changes.user_type) account.user_type = *changes.user_type;
    co_await parts_.registration.create_account(std::move(account));
}

Task<void> UserAdmin::change_profile(std::string user_id, const UserChanges& changes) {
    const std::pair<ProfileField, std::optional<std::string>> fields[] = {
        {ProfileField::kDisplayname, changes.displayname}, {ProfileField::kAvatarUrl, changes.avatar_url}};
    for (const auto& [field, value] : fields) {
        if (value) co_await parts_.profiles.set_field(user_id, user_id, field, value);
    }
}

Task<void> UserAdmin::change_three_pids(std::string user_id, std::vector<storage::ThreePid> wanted) {
    for (const auto& known : co_await parts_.three_pids.of_user(user_id)) {
        const bool stays = std::ranges::any_of(wanted, [&](const storage::ThreePid& each) {
            return each.medium == known.medium && each.address == known.address;
        });
        if (!stays) co_await parts_.three_pids.remove(user_id, known.medium, known.address);
    }
    for (const auto& id : wanted) {
        if (!co_await parts_.three_pids.add(user_id, id.medium, id.address, id.validated_ms)) {
            throw MatrixError{400, "M_THREEPID_IN_USE", "The identifier belongs to another account"};
        }
    }
}

Task<IdentityBindings::Unbound> UserAdmin::deactivate(std::string user_id, Erase erase) {
    co_await require_user(user_id);
    co_return co_await parts_.accounts.deactivate(std::move(user_id), erase);
}

Task<void> UserAdmin::reset_password(std::string user_id, std::string new_password, bool logout_devices) {
    co_await require_user(user_id);
    const auto others = logout_devices ? Accounts::OtherSessions::kLogOut : Accounts::OtherSessions::kKeep;
    co_await parts_.accounts.reset_password(std::move(user_id), std::move(new_password), others);
}

Task<void> UserAdmin::set_admin(std::string by, std::string user_id, bool admin) {
    co_await require_user(user_id);
    if (by == user_id && !admin) throw MatrixError::unknown("You may not demote yourself.");
    co_await parts_.users.set_admin(user_id, admin);
    co_await parts_.tokens.forget_cached_tokens_of_user(std::move(user_id));
}

Task<bool> UserAdmin::is_admin(std::string user_id) {
    require_local(user_id);
    const auto user = co_await parts_.users.get_user(std::move(user_id));
    if (!user) throw unknown_user();
    co_return user->admin;
}

Task<std::string> UserAdmin::log_in_as(std::string by, std::string user_id,
                                       std::optional<std::int64_t> valid_until_ms) {
    co_await require_user(user_id);
    if (by == user_id) throw MatrixError::unknown("Cannot use admin API to login as self");
    storage::NewAccessToken token;
    token.token = make_access_token(proto::UserId::trusted(user_id).localpart());
    token.valid_until_ms = valid_until_ms;
    core::log_info("admin", "{} logs in as {}", by, user_id);
    token.user_id = std::move(user_id);
    auto text = token.token;
    co_await parts_.tokens.add_token(std::move(token));
    co_return text;
}

Task<storage::UserMedia> UserAdmin::media_of(std::string user_id) {
    co_await require_user(user_id);
    co_return co_await parts_.admin_users.media_of(std::move(user_id));
}

Task<json::object> UserAdmin::media_by_user(std::int64_t from, std::int64_t limit) {
    const auto [users, total] = co_await parts_.admin_users.media_by_user(from, limit);
    json::array list;
    for (const auto& user : users) {
        json::object entry{
            {"user_id", user.user_id}, {"media_count", user.count}, {"media_length", user.bytes}};
        entry["displayname"] = or_null(user.displayname);
        list.push_back(std::move(entry));
    }
    json::object out{{"users", std::move(list)}, {"total", total}};
    if (from + limit < total) out["next_token"] = from + limit;
    co_return out;
}

}  // namespace weft::handlers

#include "weft/handlers/rooms/room_directory.hpp"

#include <algorithm>

#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {

namespace event_type = proto::event_type;
namespace json = boost::json;
using core::MatrixError;

namespace {

bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

MatrixError no_such_alias(const proto::RoomAlias& alias) {
    return MatrixError::not_found(fmt::format("Room alias {} not found", alias));
}

}  // namespace

RoomDirectory::RoomDirectory(RoomReader& rooms, storage::RoomDirectoryStore& store, EventSender& sender,
                             RoomVisibility& visibility, const core::Clock& clock, std::string server_name)
    : rooms_{rooms},
      store_{store},
      sender_{sender},
      visibility_{visibility},
      clock_{clock},
      server_name_{std::move(server_name)} {}

Task<std::optional<RoomDirectory::Resolved>> RoomDirectory::find(proto::RoomAlias alias) {
    auto row = co_await store_.get_alias(alias.str());
    if (!row) co_return std::nullopt;
    auto servers = std::move(row->servers);
    if (servers.empty()) servers.push_back(server_name_);
    co_return Resolved{proto::RoomId::trusted(std::move(row->room_id)), std::move(servers)};
}

Task<RoomDirectory::Resolved> RoomDirectory::resolve(proto::RoomAlias alias) {
    auto found = co_await find(alias);
    if (!found && queries_ && co_await queries_->alias_exists(alias.str())) found = co_await find(alias);
    if (!found) throw no_such_alias(alias);
    co_return std::move(*found);
}

Task<proto::RoomId> RoomDirectory::room_of(std::string id_or_alias) {
    if (id_or_alias.starts_with('#')) {
        const auto alias = proto::RoomAlias::parse(id_or_alias);
        if (!alias) throw MatrixError::invalid_param(alias.error().message);
        co_return (co_await resolve(*alias)).room_id;
    }
    const auto room_id = proto::RoomId::parse(id_or_alias);
    if (!room_id)
        throw MatrixError::invalid_param(fmt::format("'{}' is neither a room ID nor an alias", id_or_alias));
    co_return *room_id;
}

void RoomDirectory::require_own(const proto::RoomAlias& alias, const std::string& appservice_id) const {
    if (alias.server_name() != server_name_) {
        throw MatrixError::invalid_param(fmt::format("{} is not an alias of this server", alias));
    }
    if (alias.localpart().empty() || std::ranges::any_of(alias.localpart(), is_space)) {
        throw MatrixError::invalid_param(fmt::format("'{}' is not a valid room alias", alias));
    }
    if (!appservices_) return;
    const auto* service = appservice_id.empty() ? nullptr : appservices_->find(appservice_id);
    if (service && !core::namespace_holds(service->aliases, alias.str())) {
        throw MatrixError{400, "M_EXCLUSIVE", fmt::format("{} is not in the namespaces of this application service", alias)};
    }
    appservices_->check_alias_is_free(alias.str(), service);
}

Task<bool> RoomDirectory::claim(proto::RoomAlias alias, proto::RoomId room_id, proto::UserId creator) {
    storage::RoomAlias row{
        .alias = alias.str(), .room_id = room_id.str(), .creator = creator.str(), .servers = {server_name_}};
    co_return co_await store_.create_alias(std::move(row));
}

Task<void> RoomDirectory::create(Actor actor, proto::RoomAlias alias, proto::RoomId room_id) {
    require_own(alias, actor.appservice_id);
    co_await rooms_.version(room_id);
    if (!actor.admin) co_await rooms_.require_joined(room_id, actor.user_id);
    if (!co_await claim(alias, room_id, actor.user_id)) {
        throw MatrixError{409, "M_UNKNOWN", fmt::format("Room alias {} already exists", alias)};
    }
}

Task<void> RoomDirectory::remove(Actor actor, proto::RoomAlias alias) {
    const auto row = co_await store_.get_alias(alias.str());
    if (!row) throw no_such_alias(alias);
    const auto* service = appservices_ && !actor.appservice_id.empty() ? appservices_->find(actor.appservice_id) : nullptr;
    const bool of_service = service && core::namespace_holds(service->aliases, alias.str());
    if (appservices_) appservices_->check_alias_is_free(alias.str(), service);
    const auto room_id = proto::RoomId::trusted(row->room_id);
    const bool allowed = actor.admin || of_service || row->creator == actor.user_id.str() ||
                         co_await may_set_canonical_alias(actor.user_id, room_id);
    if (!allowed) throw MatrixError::forbidden("You don't have permission to delete the alias");
    if (!co_await store_.delete_alias(alias.str())) throw no_such_alias(alias);
    co_await withdraw(actor.user_id, room_id, alias);
}

Task<void> RoomDirectory::withdraw(proto::UserId user_id, proto::RoomId room_id, proto::RoomAlias alias) {
    auto content = without_alias(co_await rooms_.content(room_id, event_type::kCanonicalAlias), alias.str());
    if (!content) co_return;
    SendRequest request{proto::EventDraft{
        .room_id = room_id,
        .sender = user_id,
        .type = std::string{event_type::kCanonicalAlias},
        .state_key = "",
        .content = std::move(*content),
        .redacts = std::nullopt,
        .origin_server_ts = clock_.now_ms(),
    }};
    request.ratelimit = false;
    try {
        const auto result = co_await sender_.send(std::move(request));
        co_await sender_.wait_for_event(result);
    } catch (const MatrixError& error) {
        // The alias is gone all the same: the specification does not ask for the right to change the event.
        core::log_info("rooms", "{} stays in the canonical alias event of {}: {}", alias, room_id,
                       error.what());
    }
}

Task<std::vector<std::string>> RoomDirectory::aliases(Actor actor, proto::RoomId room_id) {
    co_await rooms_.version(room_id);
    const auto visibility = co_await rooms_.content(room_id, event_type::kHistoryVisibility);
    const bool open = proto::get_string(visibility, "history_visibility") == "world_readable";
    if (!open && !actor.admin) co_await rooms_.require_joined(room_id, actor.user_id);
    const auto aliases = co_await store_.aliases_of_room(room_id.str());
    co_return *aliases;
}

Task<bool> RoomDirectory::is_published(proto::RoomId room_id) {
    co_await rooms_.version(room_id);
    co_return co_await store_.is_public(room_id.str());
}

Task<void> RoomDirectory::publish(Actor actor, proto::RoomId room_id, bool visible) {
    co_await rooms_.version(room_id);
    if (!actor.admin && !co_await may_set_canonical_alias(actor.user_id, room_id)) {
        throw MatrixError::forbidden(
            "This server requires you to be able to set the room's canonical alias to change whether it is "
            "published");
    }
    co_await visibility_.set_public(room_id, visible);
}

Task<bool> RoomDirectory::may_set_canonical_alias(proto::UserId user_id, proto::RoomId room_id) {
    if (co_await rooms_.membership(room_id, user_id) != "join") co_return false;
    const auto levels = co_await rooms_.power_levels(room_id);
    co_return levels.user_level(user_id) >= levels.event_level(event_type::kCanonicalAlias, true);
}

std::optional<json::object> without_alias(const json::object& canonical_alias, std::string_view alias) {
    json::object out = canonical_alias;
    bool found = false;
    if (proto::get_string(out, "alias") == alias) {
        out.erase("alias");
        found = true;
    }
    if (const auto* const others = proto::get_array(canonical_alias, "alt_aliases")) {
        json::array kept;
        for (const auto& entry : *others) {
            const auto* const text = entry.if_string();
            if (text && *text == alias) {
                found = true;
            } else {
                kept.push_back(entry);
            }
        }
        if (kept.empty()) {
            out.erase("alt_aliases");
        } else {
            out["alt_aliases"] = std::move(kept);
        }
    }
    if (!found) return std::nullopt;
    return out;
}

}  // namespace weft::handlers

#include "weft/handlers/rooms/create_room.hpp"

#include <algorithm>

#include "weft/core/errors.hpp"
#include "weft/core/random.hpp"

namespace weft::handlers {

using core::MatrixError;

namespace {

/// More invites than this belong into requests of their own.
constexpr std::size_t kInvitesMax = 100;
/// As many letters as the ID of a room commonly has; 52^18 of them never meet.
constexpr std::size_t kRoomIdLetters = 18;

MatrixError alias_in_use(const proto::RoomAlias& alias) {
    return MatrixError{400, "M_ROOM_IN_USE", fmt::format("Room alias {} is already taken", alias)};
}

/// Each user once, and not the creator, who is in the room anyway.
std::vector<proto::UserId> invitees_of(const CreateRoomRequest& request, const proto::UserId& creator) {
    std::vector<proto::UserId> out;
    for (const auto& user : request.invite) {
        if (user != creator && std::ranges::find(out, user) == out.end()) out.push_back(user);
    }
    return out;
}

}  // namespace

CreateRoom::CreateRoom(EventSender& sender, Membership& membership, RoomDirectory& directory,
                       RoomVisibility& visibility, const core::Clock& clock, const core::Config& config)
    : sender_{sender},
      membership_{membership},
      directory_{directory},
      visibility_{visibility},
      clock_{clock},
      server_name_{config.server_name},
      default_room_version_{config.default_room_version} {}

Task<CreateRoom::Created> CreateRoom::create(Actor creator, CreateRoomRequest request) {
    const auto& version =
        proto::RoomVersion::get(request.room_version.empty() ? default_room_version_ : request.room_version);
    request.invite = invitees_of(request, creator.user_id);
    if (request.invite.size() > kInvitesMax) {
        throw MatrixError::invalid_param(fmt::format("At most {} users can be invited at once", kInvitesMax));
    }

    RoomPlanContext context{version, creator.user_id};
    context.alias = co_await free_alias(creator, request);
    context.creator_member = co_await membership_.with_profile(creator.user_id, "join", {});
    if (!version.room_id_is_create_hash) context.room_id = new_room_id(server_name_);
    context.now_ms = clock_.now_ms();
    auto events = plan_room(request, context);
    co_await membership_.check_first_invites(request.invite);

    Created created{co_await start(version, std::move(events))};
    created.alias = context.alias;
    if (context.alias) co_await claim_alias(creator, *context.alias, created.room_id);
    if (request.visibility == DirectoryVisibility::kPublic)
        co_await visibility_.set_public(created.room_id, true);
    co_await membership_.send_first_invites(creator, created.room_id, request.invite, request.is_direct);
    co_return created;
}

Task<proto::RoomId> CreateRoom::start(const proto::RoomVersion& version,
                                      std::vector<proto::EventDraft> events) {
    std::vector<SendRequest> requests;
    for (auto& event : events) {
        SendRequest request{std::move(event)};
        request.ratelimit = requests.empty();  // a room counts as one message
        request.deduplicate_state = false;
        requests.push_back(std::move(request));
    }
    std::optional<EventSender::Created> created;
    try {
        created.emplace(co_await sender_.create_room(version, std::move(requests)));
    } catch (const MatrixError& error) {
        // The creator may do anything in a room of theirs, but what they asked for in it.
        if (error.errcode == "M_FORBIDDEN") throw MatrixError{400, "M_INVALID_ROOM_STATE", error.what()};
        throw;
    }
    if (!created->results.empty()) co_await sender_.wait_for_event(created->results.back());
    co_return created->room_id;
}

Task<std::optional<proto::RoomAlias>> CreateRoom::free_alias(Actor creator, const CreateRoomRequest& request) {
    if (!request.alias_localpart) co_return std::nullopt;
    const auto& localpart = *request.alias_localpart;
    const auto alias = proto::RoomAlias::parse(fmt::format("#{}:{}", localpart, server_name_));
    if (!alias || localpart.find(':') != std::string::npos) {
        throw MatrixError::invalid_param("'room_alias_name' is not the local part of a room alias");
    }
    directory_.require_own(*alias, creator.appservice_id);
    if (co_await directory_.find(*alias)) throw alias_in_use(*alias);
    co_return *alias;
}

Task<void> CreateRoom::claim_alias(Actor creator, proto::RoomAlias alias, proto::RoomId room_id) {
    if (co_await directory_.claim(alias, room_id, creator.user_id)) co_return;
    // Somebody took it since it was looked up. The room has no ID before it exists, so the alias could not be
    // claimed first; nobody but the creator has seen the room, and they need not keep it.
    co_await membership_.change(
        MembershipRequest{MembershipAction::kLeave, room_id, creator, creator.user_id});
    throw alias_in_use(alias);
}

proto::RoomId new_room_id(const std::string& server_name) {
    return proto::RoomId::trusted(fmt::format("!{}:{}", core::random_letters(kRoomIdLetters), server_name));
}

}  // namespace weft::handlers

#include "rooms_fixture.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <catch2/catch.hpp>

#include "weft/http/client.hpp"
#include "weft/http/uri.hpp"

namespace weft::test {

namespace {

constexpr auto kServer = "test";

Task<http::Requester> authenticate(const http::Request& request, http::Auth auth) {
    auto header = request.headers.get("Authorization").value_or("");
    if (header.empty()) throw core::MatrixError::missing_token();
    http::Requester requester;
    requester.user_id = header.substr(std::string_view{"Bearer "}.size());
    if (const auto slash = requester.user_id.find('/'); slash != std::string::npos) {
        requester.is_guest = requester.user_id.substr(slash) == "/guest";
        requester.is_admin = requester.user_id.substr(slash) == "/admin";
        requester.user_id.resize(slash);
    }
    requester.device_id = "DEVICE";
    if (requester.is_guest && auth == http::Auth::kAccessToken)
        throw core::MatrixError::forbidden("no guests");
    co_return requester;
}

http::Request request_of(http::Method method, const std::string& token, const std::string& path,
                         std::string body) {
    http::Request request;
    request.method = method;
    const auto question = path.find('?');
    for (std::string_view rest = question == std::string::npos ? ""
                                                               : std::string_view{path}.substr(question + 1);
         !rest.empty();) {
        const auto pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        const auto equals = pair.find('=');
        request.query.emplace_back(std::string{pair.substr(0, equals)},
                                   http::percent_decode(pair.substr(equals + 1)).value());
    }
    request.path = "/_matrix/client/v3" + path.substr(0, question);
    request.target = "/_matrix/client/v3" + path;
    request.body = std::move(body);
    if (!token.empty()) request.headers.set("Authorization", "Bearer " + token);
    return request;
}

Answer answer_of(const http::Response& response) {
    return Answer{response.status, proto::parse_json_object(response.body).value()};
}

}  // namespace

core::Config RoomsFixture::roomy_config() {
    core::Config config;
    config.server_name = kServer;
    config.rc_message = config.rc_joins.local = config.rc_invites.per_room =
        config.rc_invites.per_user = {1000, 10'000};
    return config;
}

RoomsFixture::RoomsFixture(core::Config wanted)
    : config{std::move(wanted)},
      events_stream{storage.stream("events")},
      backfill_stream{storage.stream("backfill")},
      events{storage.db, events_stream, backfill_stream, 1000, storage.io.get_executor()},
      states{storage.db, events_stream, events, storage.registry, 100, storage.io.get_executor()},
      profiles{storage.context()},
      account_streams{storage.shared_streams("account_data", "tag_account_data")},
      account_data_store{storage.context(), *account_streams.first, *account_streams.second},
      directory_store{storage.context(), storage.stream("public_rooms")},
      room_store{storage.context()},
      push_rules{storage.context(), storage.stream("push_rules"), *account_streams.first, events_stream},
      event_writers{storage.db, storage.cache_writer},
      lease{storage.io.get_executor(), event_writers, events_stream, {"master", "", {"master"}}},
      persist{storage.db, events_stream, storage.cache_writer, storage.clock, lease},
      push_actions{push_rules},
      auth_chains{storage.db},
      resolver{events, states, auth_chains, cpu, storage.io.get_executor()},
      writer{storage.io.get_executor(),
             storage.clock,
             events,
             states,
             resolver,
             persist,
             push_actions,
             proto::SigningKey::generate("a_test"),
             handlers::RoomWriter::Options{.server_name = kServer}},
      rpc{storage.io.get_executor(), storage.clock, replication::RpcClient::Options{"master", {}, "secret"}},
      sender{storage.io.get_executor(),
             config,
             storage.clock,
             &writer,
             rpc,
             events_stream,
             event_writers,
             storage.context().caches,
             proto::SigningKey::generate("test")},
      reader{states, events},
      visibility{directory_store},
      memberships{reader, sender, states, profiles, room_store, account_data_store, storage.clock, config},
      identity_servers{[this](handlers::IdentityServers::Call asked) -> Task<http::Response> {
          if (!identity_server) throw http::ClientError{http::ClientError::Kind::kConnect, "there is none"};
          co_return identity_server(asked);
      }, config.server_name, proto::SigningKey::generate("test")},
      third_party_invites{reader, sender, memberships, states, identity_servers, storage.clock, config},
      directory{reader, directory_store, sender, visibility, storage.clock, kServer},
      creation{sender, memberships, directory, visibility, storage.clock, config},
      messages{reader, sender, events, room_store, storage.clock, kServer},
      state_events{reader, sender, memberships, directory, storage.clock},
      delayed_store{storage.context()},
      delayed_events{delayed_store,
                     reader,
                     messages,
                     state_events,
                     events,
                     events_stream,
                     storage.clock,
                     storage.io.get_executor(),
                     handlers::DelayedEvents::Options{config.delayed_events_max_ms}},
      public_rooms{directory_store, room_store, events, storage.clock, storage.io.get_executor(), {}},
      upgrade{reader, sender,     creation,        memberships,   visibility,
              events, room_store, directory_store, storage.clock, kServer},
      creation_endpoints{creation, third_party_invites},
      membership_endpoints{memberships, directory, third_party_invites},
      state_endpoints{state_events, delayed_events},
      send_endpoints{messages, delayed_events},
      directory_endpoints{directory},
      public_rooms_endpoints{public_rooms, kServer},
      upgrade_endpoints{upgrade} {
    router.set_authenticator(authenticate);
    creation_endpoints.register_on(router);
    membership_endpoints.register_on(router);
    state_endpoints.register_on(router);
    send_endpoints.register_on(router);
    directory_endpoints.register_on(router);
    public_rooms_endpoints.register_on(router);
    upgrade_endpoints.register_on(router);
}

Answer RoomsFixture::call(http::Method method, const std::string& token, std::string path, std::string body) {
    return answer_of(storage.run(router.handle(request_of(method, token, path, std::move(body)))));
}

std::pair<Answer, Answer> RoomsFixture::post_both(const std::string& one, const std::string& two,
                                                  const std::string& path, const std::string& body) {
    using namespace boost::asio::experimental::awaitable_operators;
    const auto both = [&]() -> Task<std::pair<Answer, Answer>> {
        const auto [first, second] =
            co_await (router.handle(request_of(http::Method::kPost, one, path, body)) &&
                      router.handle(request_of(http::Method::kPost, two, path, body)));
        co_return std::pair{answer_of(first), answer_of(second)};
    };
    return storage.run(both());
}

std::string RoomsFixture::create_room(const std::string& token, std::string body) {
    const auto answer = post(token, "/createRoom", std::move(body));
    INFO(proto::to_json(answer.body));
    REQUIRE(answer.status == 200);
    return answer.text("room_id");
}

boost::json::object RoomsFixture::state(const std::string& room_id, std::string_view type,
                                        std::string_view state_key) {
    const auto found = storage.run(
        states.current_event(proto::RoomId::trusted(room_id), std::string{type}, std::string{state_key}));
    return found ? found->content() : boost::json::object{};
}

proto::EventPtr RoomsFixture::event(const std::string& event_id) {
    return storage.run(events.get_event(proto::EventId::trusted(event_id)));
}

std::string RoomsFixture::membership(const std::string& room_id, const std::string& user_id) {
    return storage.run(reader.membership(proto::RoomId::trusted(room_id), proto::UserId::trusted(user_id)));
}

std::vector<std::string> RoomsFixture::timeline(const std::string& room_id) {
    const auto recent =
        storage.run(events.recent_events(proto::RoomId::trusted(room_id), 0, events_stream.current(), 100));
    std::vector<std::string> types;
    for (const auto& entry : recent.entries) types.push_back(event(entry.event_id.str())->type());
    return types;
}

}  // namespace weft::test

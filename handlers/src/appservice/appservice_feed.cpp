#include "weft/handlers/appservice/appservice_feed.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "weft/core/async.hpp"
#include "weft/core/log.hpp"
#include "weft/handlers/event_view.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/replication/rows.hpp"
#include "weft/storage/store_error.hpp"

namespace weft::handlers {

namespace json = boost::json;
namespace replication = proto::replication;

namespace {

constexpr std::size_t kEventsPerTxn = 100;
constexpr std::int64_t kSendTimeoutMs = 60'000;
/// A service that is away is not told of what was fleeting anyway.
constexpr std::size_t kSignalsMax = 10'000;

}  // namespace

struct AppserviceFeed::Delivery {
    explicit Delivery(const Service& to) : service{to} {}
    const Service& service;
    bool running = false;
    bool again = false;
    bool down = false;
    std::int64_t wait_ms = 0;  // before the next attempt, after a failure
};

AppserviceFeed::AppserviceFeed(asio::any_io_executor executor, const Appservices& services,
                               AppserviceClient& client, AppserviceQueries& queries, Sources sources,
                               Backoff backoff)
    : services_{services},
      client_{client},
      queries_{queries},
      sources_{sources},
      backoff_{backoff},
      tasks_{std::move(executor)} {
    for (const auto& service : services_.all()) {
        if (!service.url.empty()) deliveries_.emplace(service.id, std::make_shared<Delivery>(service));
    }
}

AppserviceFeed::~AppserviceFeed() = default;

void AppserviceFeed::start() {
    if (deliveries_.empty()) return;
    started_ = true;
    sources_.events_stream.on_advanced([this](const std::string&, std::int64_t) {
        if (!position_ || sources_.events_stream.writer_positions().min() > *position_) wake();
    });
    sources_.typing_stream.on_notify([this](std::int64_t, const storage::StreamRows& rows) {
        std::vector<Signal> signals;
        for (const auto& json : rows) {
            const auto row = replication::TypingRow::parse(json);
            if (!row) continue;
            json::object event{{"type", "m.typing"}, {"room_id", row->room_id}};
            event["content"] = json::object{{"user_ids", json::value_from(row->user_ids)}};
            signals.push_back(Signal{std::move(event), row->room_id, {}});
        }
        on_signals(std::move(signals));
    });
    sources_.receipts_stream.on_notify([this](std::int64_t, const storage::StreamRows& rows) {
        std::vector<Signal> signals;
        for (const auto& json : rows) {
            const auto row = replication::ReceiptsRow::parse(json);
            if (!row) continue;
            json::object users, types, content;
            users[row->user_id] = row->data;
            types[row->receipt_type] = std::move(users);
            content[row->event_id] = std::move(types);
            json::object event{{"type", "m.receipt"}, {"room_id", row->room_id}};
            event["content"] = std::move(content);
            signals.push_back(
                Signal{std::move(event), row->room_id, row->user_id, row->receipt_type == "m.read.private"});
        }
        on_signals(std::move(signals));
    });
    sources_.presence_stream.on_notify([this](std::int64_t, const storage::StreamRows& rows) {
        std::vector<Signal> signals;
        for (const auto& row : rows) {
            const auto state = storage::presence_from_row(row);
            if (!state) continue;
            json::object event{{"type", "m.presence"}, {"sender", state->user_id}};
            event["content"] = sources_.presence.content(*state);
            signals.push_back(Signal{std::move(event), {}, state->user_id});
        }
        on_signals(std::move(signals));
    });
    for (const auto& [id, delivery] : deliveries_) run(delivery);
    wake();
}

Task<void> AppserviceFeed::stop() {
    co_await tasks_.stop();
}

void AppserviceFeed::wake() {
    again_ = true;
    if (handing_out_ || !started_) return;
    handing_out_ = true;
    tasks_.spawn("hand_out_to_appservices", [this] { return hand_out(); });
}

Task<void> AppserviceFeed::hand_out() {
    struct Done {
        bool& running;
        ~Done() { running = false; }
    } done{handing_out_};
    while (again_) {
        again_ = false;
        std::string failure;
        try {
            while (co_await hand_out_some()) {
            }
        } catch (const storage::StoreError& error) {
            failure = error.what();
        }
        if (failure.empty()) continue;
        core::log_warning("appservice", "events are not handed out yet: {}", failure);
        again_ = true;
        co_await core::sleep_for(core::Milliseconds{backoff_.first_ms});
    }
}

/// False if there was nothing more.
Task<bool> AppserviceFeed::hand_out_some() {
    // In order, so no further than the slowest writer of events.
    const auto upto = sources_.events_stream.writer_positions().min();
    if (!position_) {
        position_ = co_await sources_.store.position();
        // A database that had no application services before: they are told what happens from now on.
        if (*position_ == 0 && upto > 0) {
            co_await sources_.store.hand_out({}, upto);
            position_ = upto;
        }
    }
    const auto entries = co_await sources_.store.events(*position_, upto, kEventsPerTxn);
    if (entries.empty()) {
        position_ = std::max(*position_, upto);
        co_return false;
    }
    std::vector<proto::EventId> ids;
    for (const auto& [stream_ordering, event_id] : entries) ids.push_back(event_id);
    std::map<std::string, std::vector<std::string>> by_service;
    for (const auto& event : co_await sources_.events.get_events(std::move(ids))) {
        co_await ask_for_unknown_user(event);
        for (const auto& [id, delivery] : deliveries_) {
            if (co_await wants(delivery->service, event)) by_service[id].push_back(event->event_id().str());
        }
    }
    std::vector<std::string> told;
    for (const auto& [id, events] : by_service) told.push_back(id);
    const auto reached = entries.back().first;
    co_await sources_.store.hand_out(std::move(by_service), reached);
    position_ = reached;
    for (const auto& id : told) run(deliveries_.at(id));
    co_return true;
}

/// Whoever is invited and does not exist yet may be one whom a service makes when it is asked.
Task<void> AppserviceFeed::ask_for_unknown_user(proto::EventPtr event) {
    if (event->type() != proto::event_type::kMember || !event->state_key()) co_return;
    const auto user_id = *event->state_key();
    if (!services_.is_local(user_id)) co_return;
    const bool reserved = std::ranges::any_of(
        services_.all(), [&](const Service& service) { return services_.has_user(service, user_id); });
    if (!reserved || co_await sources_.users.get_user(user_id)) co_return;
    co_await queries_.user_exists(user_id);
}

Task<bool> AppserviceFeed::wants(const Service& service, proto::EventPtr event) {
    if (services_.has_user(service, event->sender().str())) co_return true;
    if (event->type() == proto::event_type::kMember && event->state_key() &&
        services_.has_user(service, *event->state_key()))
        co_return true;
    co_return co_await wants_room(service, event->room_id());
}

Task<bool> AppserviceFeed::wants_room(const Service& service, proto::RoomId room_id) {
    if (core::namespace_holds(service.rooms, room_id.str())) co_return true;
    if (!service.aliases.empty()) {
        const auto aliases = co_await sources_.directory.aliases_of_room(room_id.str());
        for (const auto& alias : *aliases) {
            if (core::namespace_holds(service.aliases, alias)) co_return true;
        }
    }
    for (const auto& user_id :
         co_await sources_.states.joined_local_users(room_id, services_.server_name())) {
        if (services_.has_user(service, user_id)) co_return true;
    }
    co_return false;
}

void AppserviceFeed::on_signals(std::vector<Signal> signals) {
    const bool anybody = std::ranges::any_of(
        deliveries_, [](const auto& entry) { return entry.second->service.receive_ephemeral; });
    if (!anybody || signals.empty() || signals_.size() > kSignalsMax) return;
    std::ranges::move(signals, std::back_inserter(signals_));
    if (signalling_) return;
    signalling_ = true;
    tasks_.spawn("signal_appservices", [this] { return hand_out_signals(); });
}

Task<void> AppserviceFeed::hand_out_signals() {
    struct Done {
        bool& running;
        ~Done() { running = false; }
    } done{signalling_};
    while (!signals_.empty()) {
        const auto batch = std::exchange(signals_, {});
        for (const auto& [id, delivery] : deliveries_) {
            if (!delivery->service.receive_ephemeral || delivery->down) continue;
            json::array wanted;
            for (const auto& signal : batch) {
                if (co_await wants_signal(delivery->service, signal)) wanted.push_back(signal.event);
            }
            if (wanted.empty()) continue;
            co_await sources_.store.queue_ephemeral(id, proto::to_json(json::value(std::move(wanted))));
            run(delivery);
        }
    }
}

Task<bool> AppserviceFeed::wants_signal(const Service& service, const Signal& signal) {
    if (!signal.user_id.empty() && services_.has_user(service, signal.user_id)) co_return true;
    if (signal.is_private) co_return false;
    if (!signal.room_id.empty())
        co_return co_await wants_room(service, proto::RoomId::trusted(signal.room_id));
    const auto rooms = co_await sources_.states.rooms_of_user(signal.user_id);
    for (const auto& [room_id, room] : *rooms) {
        if (room.membership == "join" && co_await wants_room(service, room_id)) co_return true;
    }
    co_return false;
}

void AppserviceFeed::run(const std::shared_ptr<Delivery>& delivery) {
    delivery->again = true;
    if (delivery->running) return;
    delivery->running = true;
    tasks_.spawn("send_to_appservice", [this, delivery] { return deliver(delivery); });
}

Task<void> AppserviceFeed::deliver(std::shared_ptr<Delivery> delivery) {
    struct Done {
        bool& running;
        ~Done() { running = false; }
    } done{delivery->running};
    const auto& service = delivery->service;
    delivery->wait_ms = backoff_.first_ms;
    while (delivery->again) {
        delivery->again = false;
        std::string failure;
        try {
            failure = co_await deliver_all(*delivery);
        } catch (const storage::StoreError& error) {
            failure = error.what();
        }
        if (failure.empty()) continue;
        core::log_info("appservice", "{} is not told yet: {}", service.id, failure);
        delivery->again = true;
        co_await core::sleep_for(core::Milliseconds{delivery->wait_ms});
        delivery->wait_ms = std::min(delivery->wait_ms * 2, backoff_.max_ms);
    }
}

/// Until nothing waits (the result is empty then), or the service does not take something.
Task<std::string> AppserviceFeed::deliver_all(Delivery& delivery) {
    const auto& service = delivery.service;
    while (auto txn = co_await sources_.store.oldest(service.id)) {
        const auto txn_id = txn->txn_id;
        auto failure = co_await send(service, std::move(*txn));
        if (failure.empty()) {
            co_await sources_.store.complete(service.id, txn_id);
            delivery.down = false;
            delivery.wait_ms = backoff_.first_ms;
            continue;
        }
        if (!std::exchange(delivery.down, true)) co_await sources_.store.set_up(service.id, false);
        co_return fmt::format("transaction {}: {}", txn_id, failure);
    }
    co_return std::string{};
}

Task<std::string> AppserviceFeed::body_of(const Service& service, const storage::AppserviceTxn& txn) {
    EventViewer viewer;
    viewer.user_id = services_.sender_of(service);
    viewer.now_ms = sources_.clock.now_ms();
    std::string body = "{\"events\":";
    append_events(body, co_await sources_.events.get_stored(txn.events), viewer);
    if (service.receive_ephemeral) {
        // The second name is the one it had before the specification took it up.
        body += ",\"ephemeral\":" + txn.ephemeral + ",\"de.sorunome.msc2409.ephemeral\":" + txn.ephemeral;
    }
    body += '}';
    co_return body;
}

Task<std::string> AppserviceFeed::send(const Service& service, storage::AppserviceTxn txn) {
    const auto path = "/transactions/" + std::to_string(txn.txn_id);
    auto body = co_await body_of(service, txn);
    AppserviceClient::Request request{http::Method::kPut, path, path, std::move(body), kSendTimeoutMs};
    std::string failure;
    try {
        const auto response = co_await client_.send(service, std::move(request));
        if (response.status < 200 || response.status >= 300)
            failure = "status " + std::to_string(response.status);
    } catch (const std::exception& error) {
        if (core::is_cancellation(std::current_exception())) throw;
        failure = std::string{"no answer: "} + error.what();
    }
    co_return failure;
}

}  // namespace weft::handlers

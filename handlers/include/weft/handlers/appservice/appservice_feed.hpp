#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "weft/core/background.hpp"
#include "weft/core/clock.hpp"
#include "weft/handlers/appservice/appservice_client.hpp"
#include "weft/handlers/appservice/appservice_queries.hpp"
#include "weft/handlers/appservice/appservices.hpp"
#include "weft/handlers/ephemeral/presence.hpp"
#include "weft/storage/appservice_store.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/room_directory_store.hpp"
#include "weft/storage/state_store.hpp"
#include "weft/storage/user_store.hpp"

namespace weft::handlers {

/// Pauses between attempts to reach a service that does not answer.
struct AppserviceBackoff {
    std::int64_t first_ms = 1'000;
    std::int64_t max_ms = 512'000;
};

/// Tells application services what happens in their rooms and to their users (Application Service API,
/// "Pushing events"). Events are handed out in the order of the events stream into a queue in the database,
/// one a service, and sent from there: in order, each transaction until the service has it, unchanged. In one
/// process of the cluster.
class AppserviceFeed {
public:
    struct Sources {
        const core::Clock& clock;
        storage::AppserviceStore& store;
        storage::EventsStore& events;
        storage::StateStore& states;
        storage::RoomDirectoryStore& directory;
        storage::UserStore& users;
        Presence& presence;
        storage::StreamState& events_stream;
        storage::StreamState& typing_stream;
        storage::StreamState& receipts_stream;
        storage::StreamState& presence_stream;
    };
    using Backoff = AppserviceBackoff;

    AppserviceFeed(asio::any_io_executor executor, const Appservices& services, AppserviceClient& client,
                   AppserviceQueries& queries, Sources sources, Backoff backoff = {});
    ~AppserviceFeed();

    /// Nothing is told before.
    void start();
    Task<void> stop();

private:
    using Service = Appservices::Service;
    struct Delivery;
    /// Something that is told once and not kept.
    struct Signal {
        boost::json::object event;
        std::string room_id;      // "": presence
        std::string user_id;      // of presence and receipts
        bool is_private = false;  // for services of the user only
    };

    void wake();
    Task<void> hand_out();
    Task<bool> hand_out_some();
    Task<bool> wants(const Service& service, proto::EventPtr event);
    Task<bool> wants_room(const Service& service, proto::RoomId room_id);
    Task<void> ask_for_unknown_user(proto::EventPtr event);

    void on_signals(std::vector<Signal> signals);
    Task<void> hand_out_signals();
    Task<bool> wants_signal(const Service& service, const Signal& signal);

    void run(const std::shared_ptr<Delivery>& delivery);
    Task<void> deliver(std::shared_ptr<Delivery> delivery);
    Task<std::string> deliver_all(Delivery& delivery);
    Task<std::string> body_of(const Service& service, const storage::AppserviceTxn& txn);
    /// "" if the service has it.
    Task<std::string> send(const Service& service, storage::AppserviceTxn txn);

    const Appservices& services_;
    AppserviceClient& client_;
    AppserviceQueries& queries_;
    Sources sources_;
    Backoff backoff_;
    std::map<std::string, std::shared_ptr<Delivery>> deliveries_;
    std::optional<std::int64_t> position_;
    bool started_ = false;
    bool handing_out_ = false;
    bool again_ = false;
    std::vector<Signal> signals_;
    bool signalling_ = false;
    core::BackgroundTasks tasks_;
};

}  // namespace weft::handlers

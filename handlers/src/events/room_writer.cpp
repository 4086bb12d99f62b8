#include "weft/handlers/room_writer.hpp"

#include <deque>
#include <list>
#include <unordered_set>

#include "events/room_batch.hpp"
#include "weft/core/async.hpp"
#include "weft/core/crash_point.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/core/metrics.hpp"
#include "weft/storage/store_error.hpp"

namespace weft::handlers {
namespace {

/// Requests that are stored together or not at all, and whoever waits for them.
struct Job {
    Job(std::vector<SendRequest> all, const asio::any_io_executor& executor)
        : requests{std::move(all)}, finished{executor} {}

    std::vector<SendRequest> requests;
    std::optional<PlacedEvent> placed;                     // instead of requests
    const proto::RoomVersion* new_room_version = nullptr;  // set: the first request makes the room
    std::vector<SendResult> results;
    std::exception_ptr failure;
    bool done = false;
    bool alone = false;  // a batch with this job could not be stored: it gets one of its own
    core::Signal finished;

    void succeed(std::vector<SendResult> with) {
        results = std::move(with);
        done = true;
        finished.notify_all();
    }
    void fail(std::exception_ptr why) {
        failure = std::move(why);
        done = true;
        finished.notify_all();
    }
};
using JobPtr = std::shared_ptr<Job>;

/// For whoever asked: the room's writer is another process by now.
core::MatrixError not_the_writer() {
    return {503, std::string{kNotTheWriter}, "This process does not write the room any more"};
}

std::string txn_key(const SendRequest& request) {
    return request.draft.sender.str() + '\x1f' + request.device_id + '\x1f' + *request.txn_id;
}

}  // namespace

struct RoomWriter::Impl {
    struct Room {
        std::deque<JobPtr> jobs;
        bool running = false;
        std::optional<RoomHead> head;
        std::int64_t head_lease =
            0;  // under which the head was read: under another, somebody else may have written
        std::optional<std::list<std::string>::iterator> place;  // among the idle rooms
    };

    Impl(asio::any_io_executor on, const core::Clock& time, storage::EventsStore& events_store,
         storage::StateStore& state_store, StateResolver& resolver,
         storage::PersistEventsStore& persist_store, PushActions& actions, proto::SigningKey signing_key,
         Options wanted)
        : executor{std::move(on)},
          events{events_store},
          persist{persist_store},
          options{std::move(wanted)},
          loader{events_store, state_store, resolver, options.server_name},
          key{std::move(signing_key)},
          builder{time, events_store, state_store, persist_store, loader, actions, key, options.server_name},
          batch_size{core::histogram("weft_persist_batch_events", "Events stored in one transaction", {},
                                     {1, 2, 4, 8, 16, 32, 64})},
          batch_seconds{core::histogram("weft_persist_batch_seconds", "From taking a batch to its commit")},
          persisted{core::counter("weft_persisted_events_total", "Events stored")},
          clock{time},
          tasks{executor} {}

    JobPtr enqueue(const std::string& room_id, JobPtr job) {
        auto& room = rooms[room_id];
        if (room.jobs.size() >= options.jobs_per_room_max) throw core::MatrixError::limit_exceeded(1000);
        room.jobs.push_back(job);
        if (!room.running) {
            room.running = true;
            if (room.place) idle.erase(*room.place);
            room.place.reset();
            tasks.spawn("persist_room", [this, room_id] { return run_room(room_id); });
        }
        return job;
    }

    static Task<std::vector<SendResult>> await(JobPtr job) {
        while (!job->done) co_await job->finished.wait();
        if (job->failure) std::rethrow_exception(job->failure);
        co_return job->results;
    }

    Task<void> run_room(std::string room_id) {
        auto& room = rooms[room_id];  // references into the map stay valid while the room runs
        while (!room.jobs.empty()) {
            std::vector<JobPtr> taken;
            std::exception_ptr failure;
            try {
                co_await run_batch(room_id, room, taken);
            } catch (...) {
                failure = std::current_exception();
            }
            if (failure && lost_lease(failure)) failure = co_await renew(room, taken);
            if (failure) give_up_batch(room, taken, failure);
        }
        room.running = false;
        if (room.head) {
            keep_head(room_id, room);
        } else {
            rooms.erase(room_id);
        }
    }

    static bool lost_lease(const std::exception_ptr& failure) {
        try {
            std::rethrow_exception(failure);
        } catch (const storage::LeaseLost&) {
            return true;
        } catch (...) {
            return false;
        }
    }

    /// Shares of rooms have changed: what was taken is looked at again under the new lease.
    Task<std::exception_ptr> renew(Room& room, std::vector<JobPtr>& taken) {
        std::exception_ptr failure;
        try {
            co_await persist.lease().refresh();
        } catch (...) {
            failure = std::current_exception();
        }
        if (failure) co_return failure;
        room.head.reset();
        std::erase_if(taken, [](const JobPtr& job) { return job->done; });
        room.jobs.insert(room.jobs.begin(), taken.begin(), taken.end());
        co_return nullptr;
    }

    /// The connection broke during a commit: what would be tried again may be stored already.
    static bool in_doubt(const std::exception_ptr& failure) {
        try {
            std::rethrow_exception(failure);
        } catch (const storage::CommitInDoubt&) {
            return true;
        } catch (...) {
            return false;
        }
    }

    /// A batch that could not be stored is tried again job by job, so that one event which cannot be stored
    /// fails alone.
    void give_up_batch(Room& room, std::vector<JobPtr>& taken, const std::exception_ptr& failure) {
        room.head.reset();  // what is stored is not known: read it anew
        std::erase_if(taken, [](const JobPtr& job) { return job->done; });
        if (taken.size() <= 1 || in_doubt(failure)) {
            for (const auto& job : taken) job->fail(failure);
            return;
        }
        for (const auto& job : taken) job->alone = true;
        room.jobs.insert(room.jobs.begin(), taken.begin(), taken.end());
    }

    /// Heads of idle rooms stay in memory, the least recently used leave.
    void keep_head(const std::string& room_id, Room& room) {
        idle.push_front(room_id);
        room.place = idle.begin();
        if (idle.size() <= options.rooms_max) return;
        rooms.erase(idle.back());
        idle.pop_back();
    }

    /// Jobs for one transaction. Two that carry the same transaction ID never stand in one batch: the second
    /// has to see what became of the first.
    std::vector<JobPtr> take_jobs(Room& room) {
        std::vector<JobPtr> taken;
        std::unordered_set<std::string> transactions;
        std::size_t count = 0;
        while (!room.jobs.empty()) {
            const auto& job = room.jobs.front();
            if (!taken.empty() && (job->alone || count + job->requests.size() > options.events_per_batch_max))
                break;
            bool repeated = false;
            for (const auto& request : job->requests) {
                if (request.txn_id && !transactions.insert(txn_key(request)).second) repeated = true;
            }
            if (repeated && !taken.empty()) break;
            count += job->requests.size();
            taken.push_back(job);
            room.jobs.pop_front();
            if (taken.back()->alone) break;
        }
        return taken;
    }

    Task<void> run_batch(std::string room_id_text, Room& room, std::vector<JobPtr>& taken) {
        const auto room_id = proto::RoomId::trusted(room_id_text);
        taken = take_jobs(room);
        core::crash_point("batch taken");
        const auto started_ms = clock.monotonic_ms();
        co_await persist.lease().ensure();
        // The room may have come back to us: a request that is sent here says so before our own next look.
        if (!persist.lease().owns(room_id)) co_await persist.lease().refresh();
        const auto lease = persist.lease().number();
        if (!persist.lease().owns(room_id)) {
            room.head.reset();
            throw not_the_writer();
        }
        if (room.head_lease != lease) room.head.reset();
        room.head_lease = lease;
        if (!room.head) {
            if (taken.front()->new_room_version) {
                room.head.emplace();
                room.head->version = taken.front()->new_room_version;
            } else {
                room.head = co_await loader.load(room_id);
            }
        }
        RoomBatch batch{room_id, *room.head};
        std::vector<std::pair<JobPtr, std::vector<SendResult>>> built;
        for (const auto& job : taken) {
            // A request that is refused leaves no trace in the batch; of several, those before it have to be
            // taken back.
            std::optional<RoomBatch::Pending> before;
            if (job->requests.size() > 1) before = batch.mark();
            std::exception_ptr refused;
            try {
                std::vector<SendResult> results;
                if (job->placed) {
                    results.push_back(co_await builder.adopt(batch, *job->placed));
                } else {
                    results = co_await builder.add(batch, job->requests);
                }
                built.emplace_back(job, std::move(results));
            } catch (const core::MatrixError&) {
                refused = std::current_exception();
            }
            if (!refused) continue;
            if (before) batch.rollback(std::move(*before));
            // Somebody who repeats a request because its answer was lost may have lost the right to send
            // meanwhile.
            if (auto known = co_await known_result(*job, room_id)) {
                job->succeed({std::move(*known)});
            } else {
                job->fail(refused);
            }
        }
        if (batch.empty()) {
            if (batch.head().leaves.empty()) room.head.reset();
            for (auto& [job, results] : built) job->succeed(std::move(results));
            co_return;
        }
        core::crash_point("batch built");
        batch_size.observe(static_cast<double>(batch.size()));
        auto stored = co_await builder.finish(batch);
        stored.lease = lease;
        auto head = batch.head();
        std::vector<std::vector<storage::PushMark>> push_marks;
        for (const auto& item : stored.events) {
            auto& of_event = push_marks.emplace_back();
            for (const auto& action : item.push_actions)
                of_event.push_back({action.user_id, action.highlight});
        }
        storage::PersistEventsStore::Committed committed = [&](const std::vector<proto::EventPtr>& all) {
            for (std::size_t i = 0; i < all.size(); ++i) {
                events.put(
                    std::make_shared<const storage::StoredEvent>(storage::StoredEvent{all[i], nullptr}));
                events.put_push_marks(all[i]->event_id(), std::move(push_marks[i]));
            }
        };
        const auto outcome = co_await persist.persist(std::move(stored), std::move(committed));
        if (std::holds_alternative<storage::PersistEventsStore::DuplicateTransaction>(outcome)) {
            co_await answer_duplicates(room_id, room, std::move(built));
            co_return;
        }
        room.head = std::move(head);
        events.remember_room_version(room_id, *batch.head().version);
        const auto& all = std::get<storage::PersistEventsStore::Persisted>(outcome).events;
        persisted.increment(static_cast<double>(all.size()));
        batch_seconds.observe(static_cast<double>(clock.monotonic_ms() - started_ms) / 1000.0);
        std::unordered_map<proto::EventId, std::int64_t> tokens;
        for (const auto& event : all) tokens.emplace(event->event_id(), event->stream_ordering());
        core::crash_point("batch stored");
        if (stored_callback) stored_callback(all);
        const auto writer = all.front()->metadata().instance_name.value_or("");
        for (auto& [job, results] : built) {
            for (auto& result : results) {
                const auto token = tokens.find(result.event_id);
                if (token == tokens.end()) continue;
                result.stream_ordering = token->second;
                result.writer = writer;
            }
            job->succeed(std::move(results));
        }
    }

    /// What a request's transaction ID became earlier, if it was used.
    Task<std::optional<SendResult>> known_result(const Job& job, proto::RoomId room_id) {
        for (const auto& request : job.requests) {
            if (!request.txn_id) continue;
            const auto known = co_await events.event_of_transaction(
                request.draft.sender.str(), request.device_id, room_id, *request.txn_id);
            if (!known) continue;
            const auto event = co_await events.get_event(*known);
            if (!event) co_return SendResult{*known, 0, {}, true};
            co_return SendResult{*known, event->stream_ordering(),
                                 event->metadata().instance_name.value_or(""), true};
        }
        co_return std::nullopt;
    }

    /// Some job of the batch repeats a transaction of old: it gets the event of old, the others are tried
    /// again.
    Task<void> answer_duplicates(proto::RoomId room_id, Room& room,
                                 std::vector<std::pair<JobPtr, std::vector<SendResult>>> built) {
        std::deque<JobPtr> again;
        for (auto& [job, results] : built) {
            if (auto known = co_await known_result(*job, room_id)) {
                job->succeed({std::move(*known)});
            } else {
                again.push_back(job);
            }
        }
        if (again.size() == built.size())
            throw core::StoreError{"a transaction ID is taken, but its event is not to be found"};
        room.jobs.insert(room.jobs.begin(), again.begin(), again.end());
    }

    asio::any_io_executor executor;
    storage::EventsStore& events;
    storage::PersistEventsStore& persist;
    Options options;
    RoomHeadLoader loader;
    proto::SigningKey key;
    EventPlacer builder;
    core::Histogram batch_size;
    core::Histogram batch_seconds;
    core::Counter persisted;
    const core::Clock& clock;
    std::unordered_map<std::string, Room> rooms;
    std::list<std::string> idle;
    std::function<void(const std::vector<proto::EventPtr>&)> stored_callback;
    core::BackgroundTasks tasks;
};

RoomWriter::RoomWriter(asio::any_io_executor executor, const core::Clock& clock, storage::EventsStore& events,
                       storage::StateStore& states, StateResolver& resolver,
                       storage::PersistEventsStore& persist, PushActions& push_actions, proto::SigningKey key,
                       Options options)
    : impl_{std::make_unique<Impl>(std::move(executor), clock, events, states, resolver, persist,
                                   push_actions, std::move(key), std::move(options))} {}

RoomWriter::~RoomWriter() = default;

Task<std::vector<SendResult>> RoomWriter::send_all(std::vector<SendRequest> requests) {
    const auto room_id = requests.front().draft.room_id->str();
    auto job = std::make_shared<Job>(std::move(requests), impl_->executor);
    co_return co_await Impl::await(impl_->enqueue(room_id, std::move(job)));
}

Task<SendResult> RoomWriter::store(PlacedEvent placed) {
    const auto room_id = placed.event->room_id().str();
    auto job = std::make_shared<Job>(std::vector<SendRequest>{}, impl_->executor);
    job->placed = std::move(placed);
    job->alone = true;  // it is built on what is stored
    auto results = co_await Impl::await(impl_->enqueue(room_id, std::move(job)));
    co_return std::move(results.front());
}

Task<std::int64_t> RoomWriter::reject_invite(proto::RoomId room_id, std::string user_id) {
    auto& persist = impl_->persist;
    co_await persist.lease().ensure();
    if (!persist.lease().owns(room_id)) co_await persist.lease().refresh();
    if (!persist.lease().owns(room_id)) throw not_the_writer();
    std::exception_ptr failure;
    try {
        co_return co_await persist.reject_invite(std::move(room_id), std::move(user_id));
    } catch (...) {
        failure = std::current_exception();
    }
    if (!Impl::lost_lease(failure)) std::rethrow_exception(failure);
    co_await persist.lease().refresh();
    throw not_the_writer();
}

Task<EventSender::Created> RoomWriter::create_room(const proto::RoomVersion& version,
                                                   std::vector<SendRequest> requests) {
    auto room_id = place_new_room(impl_->clock, version, impl_->options.server_name, impl_->key, requests);
    auto job = std::make_shared<Job>(std::move(requests), impl_->executor);
    job->new_room_version = &version;
    EventSender::Created created{room_id};
    created.results = co_await Impl::await(impl_->enqueue(room_id.str(), std::move(job)));
    co_return created;
}

void RoomWriter::on_stored(std::function<void(const std::vector<proto::EventPtr>&)> callback) {
    impl_->stored_callback = std::move(callback);
}

void RoomWriter::forget_room(const std::string& room_id) {
    const auto found = impl_->rooms.find(room_id);
    // A room in which something is being stored is not gone: its events say where it ends.
    if (found == impl_->rooms.end() || found->second.running) return;
    if (found->second.place) impl_->idle.erase(*found->second.place);
    impl_->rooms.erase(found);
}

Task<void> RoomWriter::stop(std::int64_t deadline_ms) {
    co_await impl_->tasks.drain(deadline_ms);
}

}  // namespace weft::handlers

#include "weft/handlers/ephemeral/typing.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "weft/core/async.hpp"
#include "weft/core/errors.hpp"
#include "weft/handlers/ephemeral/typing_lists.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::handlers {
namespace {

constexpr std::int64_t kTimeoutMaxMs = 120'000;
/// How often the writer looks for those whose time has run out, while anybody types.
constexpr core::Milliseconds kTick{1'000};

}  // namespace

struct Typing::Impl {
    Impl(asio::any_io_executor executor, const core::Clock& the_clock, storage::StateStore& the_states,
         storage::StreamState& typing)
        : clock{the_clock}, states{the_states}, stream{typing}, seen{typing.current()}, tasks{executor} {
        stream.on_invalidate([this](std::int64_t token, const storage::StreamRows& rows) {
            for (const auto& json : rows) {
                auto row = proto::replication::TypingRow::parse(json);
                if (!row) continue;
                lists.set(token, row->room_id, std::move(row->user_ids));
                stream.changes().entity_changed(row->room_id, token);
            }
        });
        stream.on_advanced([this](const std::string&, std::int64_t token) {
            // The writer was restarted and counts anew: what it said before holds no longer.
            if (token < seen) lists.clear();
            seen = token;
        });
    }

    void publish(const std::string& room_id) {
        auto id = stream.allocate();
        const auto token = id.first();
        stream.publish(std::move(id),
                       {{token, proto::replication::TypingRow{room_id, timers.users_in(room_id)}.to_json()}});
    }

    void watch() {
        if (watching) return;
        watching = true;
        tasks.spawn("typing_expiry", [this] { return expire_all(); });
    }

    Task<void> expire_all() {
        while (!timers.empty()) {
            co_await core::sleep_for(kTick);
            auto changed = timers.expire(clock.now_ms());
            for (const auto& [room_id, user_id] : timers.all()) {
                const auto state = states.cached_current_state(proto::RoomId::trusted(room_id));
                if (state && state->membership(user_id) != "join" && timers.stop(room_id, user_id)) {
                    changed.insert(room_id);
                }
            }
            for (const auto& room_id : changed) publish(room_id);
        }
        watching = false;
    }

    const core::Clock& clock;
    storage::StateStore& states;
    storage::StreamState& stream;
    TypingLists lists;
    TypingTimers timers;  // empty but in the writer
    std::int64_t seen;
    bool watching = false;
    core::BackgroundTasks tasks;
};

Typing::Typing(asio::any_io_executor executor, const core::Clock& clock, storage::StateStore& states,
               storage::StreamState& typing)
    : impl_{std::make_unique<Impl>(std::move(executor), clock, states, typing)} {}

Typing::~Typing() = default;

const std::vector<std::string>& Typing::typing_in(const std::string& room_id) const {
    return impl_->lists.in(room_id);
}

Task<void> Typing::set_typing(std::string room_id, std::string user_id, bool typing,
                              std::int64_t timeout_ms) {
    const auto state = co_await impl_->states.current_state(proto::RoomId::trusted(room_id));
    if (state->membership(user_id) != "join") {
        throw core::MatrixError::forbidden(fmt::format("User {} is not in room {}", user_id, room_id));
    }
    if (typing && timeout_ms > 0) {
        const auto until_ms = impl_->clock.now_ms() + std::min(timeout_ms, kTimeoutMaxMs);
        if (impl_->timers.start(room_id, user_id, until_ms)) impl_->publish(room_id);
        impl_->watch();
    } else if (impl_->timers.stop(room_id, user_id)) {
        impl_->publish(room_id);
    }
}

storage::StreamUpdates Typing::updates(std::int64_t from, std::int64_t to, std::size_t limit) const {
    return impl_->lists.updates(from, to, limit);
}

Task<void> Typing::stop() {
    co_await impl_->tasks.stop();
}

}  // namespace weft::handlers

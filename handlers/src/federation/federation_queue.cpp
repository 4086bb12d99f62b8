#include "weft/handlers/federation/federation_queue.hpp"

#include <algorithm>

#include "weft/core/async.hpp"

namespace weft::handlers {

namespace pr = proto::replication;

namespace {

constexpr core::Milliseconds kExpiryInterval{30'000};

pr::PresenceRow to_row(const storage::PresenceState& state) {
    return {state.user_id,           state.state,      state.last_active_ts,  state.last_federation_update_ts,
            state.last_user_sync_ts, state.status_msg, state.currently_active};
}

core::Gauge size_of(const std::string& what) {
    return core::gauge("synapse_federation_send_queue_" + what + "_size",
                       "Rows of the federation stream that wait for an acknowledgement");
}

/// One string for parts of any content: each with its length.
std::string join_key(std::string_view kind, std::string_view host, const std::vector<std::string>& parts) {
    std::string key{kind};
    const auto append = [&key](std::string_view part) {
        key += fmt::format("/{}:", part.size());
        key += part;
    };
    append(host);
    for (const auto& part : parts) append(part);
    return key;
}

}  // namespace

FederationQueue::FederationQueue(asio::any_io_executor executor, const core::Clock& clock,
                                 storage::StreamState& federation)
    : FederationQueue{std::move(executor), clock, federation, Limits{}} {}

FederationQueue::FederationQueue(asio::any_io_executor executor, const core::Clock& clock,
                                 storage::StreamState& federation, Limits limits)
    : clock_{clock},
      stream_{federation},
      limits_{limits},
      sizes_{{std::string{pr::FederationPresence::kType}, size_of("presence_changed")},
             {std::string{pr::FederationPresenceTo::kType}, size_of("presence_destinations")},
             {std::string{pr::FederationKeyedEdu::kType}, size_of("keyed_edu")},
             {std::string{pr::FederationEdu::kType}, size_of("edus")}},
      tokens_{size_of("pos_time")},
      tasks_{std::move(executor)} {}

void FederationQueue::count(const Item& item, double by) {
    const std::string type{item.row.get_array().front().get_string()};
    sizes_.at(type).add(by);
}

void FederationQueue::count_tokens() {
    tokens_.set(static_cast<double>(by_token_.size()));
}

void FederationQueue::send_presence(const std::vector<storage::PresenceState>& states) {
    std::vector<Item> items;
    for (const auto& state : states) {
        items.push_back({pr::FederationPresence{to_row(state)}.to_row().to_json(),
                         join_key(pr::FederationPresence::kType, "", {state.user_id})});
    }
    put(std::move(items));
}

void FederationQueue::send_presence_to(const storage::PresenceState& state, std::vector<std::string> hosts) {
    std::vector<Item> items;
    items.push_back({pr::FederationPresenceTo{to_row(state), std::move(hosts)}.to_row().to_json(), {}});
    put(std::move(items));
}

void FederationQueue::send_edu(const pr::FederationEdu& edu) {
    std::vector<Item> items;
    items.push_back({edu.to_row().to_json(), {}});
    put(std::move(items));
}

void FederationQueue::send_keyed_edu(const pr::FederationKeyedEdu& edu) {
    std::vector<Item> items;
    items.push_back(
        {edu.to_row().to_json(), join_key(pr::FederationKeyedEdu::kType, edu.edu.destination, edu.key)});
    put(std::move(items));
}

void FederationQueue::put(std::vector<Item> items) {
    if (items.empty()) return;
    expire();
    for (const auto& item : items) drop_replaced(item.replaces);
    auto id = stream_.allocate();
    const auto token = id.first();
    auto& entry = by_token_[token];
    entry.queued_ms = clock_.now_ms();
    std::vector<std::pair<std::int64_t, boost::json::value>> rows;
    for (auto& item : items) {
        rows.emplace_back(token, item.row);
        if (!item.replaces.empty()) newest_[item.replaces] = token;
        count(item, 1);
        entry.items.push_back(std::move(item));
        ++rows_;
    }
    while (rows_ > limits_.rows_max && by_token_.size() > 1) drop_oldest();
    count_tokens();
    if (!expiring_) {
        expiring_ = true;
        tasks_.spawn("federation_queue_expiry", [this] { return expire_from_time_to_time(); });
    }
    stream_.publish(std::move(id), std::move(rows));
}

void FederationQueue::drop_replaced(const std::string& key) {
    const auto found = newest_.find(key);
    if (found == newest_.end()) return;
    const auto entry = by_token_.find(found->second);
    newest_.erase(found);
    if (entry == by_token_.end()) return;
    rows_ -= std::erase_if(entry->second.items, [&](const Item& item) {
        const bool is_it = item.replaces == key;
        if (is_it) count(item, -1);
        return is_it;
    });
    if (entry->second.items.empty()) by_token_.erase(entry);
}

void FederationQueue::drop_oldest() {
    const auto oldest = by_token_.begin();
    for (const auto& item : oldest->second.items) {
        if (!item.replaces.empty()) newest_.erase(item.replaces);
        count(item, -1);
    }
    rows_ -= oldest->second.items.size();
    by_token_.erase(oldest);
    count_tokens();
}

void FederationQueue::acknowledge(const std::optional<std::string>& instance, std::int64_t token) {
    if (token > stream_.current()) return;  // of rows that were lost when we started anew
    acknowledged_[instance.value_or("")] = token;
    const auto furthest_behind =
        std::ranges::min_element(acknowledged_, {}, [](const auto& entry) { return entry.second; });
    while (!by_token_.empty() && by_token_.begin()->first < furthest_behind->second) drop_oldest();
}

storage::StreamUpdates FederationQueue::updates(std::int64_t from, std::int64_t to, std::size_t limit) const {
    storage::StreamUpdates updates;
    updates.upto = to;
    if (from > stream_.current()) from = 0;
    for (auto place = by_token_.upper_bound(from); place != by_token_.end() && place->first <= to; ++place) {
        if (!updates.rows.empty() && updates.rows.size() >= limit) {
            updates.limited = true;
            updates.upto = updates.rows.back().first;
            break;
        }
        for (const auto& item : place->second.items) updates.rows.emplace_back(place->first, item.row);
    }
    return updates;
}

void FederationQueue::expire() {
    const auto kept_since = clock_.now_ms() - limits_.kept_ms;
    while (!by_token_.empty() && by_token_.begin()->second.queued_ms < kept_since) drop_oldest();
}

Task<void> FederationQueue::expire_from_time_to_time() {
    while (!by_token_.empty()) {
        co_await core::sleep_for(kExpiryInterval);
        expire();
    }
    expiring_ = false;
}

Task<void> FederationQueue::stop() {
    co_await tasks_.stop();
}

}  // namespace weft::handlers

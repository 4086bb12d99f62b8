#include "weft/replication/feed.hpp"

#include <algorithm>

namespace weft::replication {

FeedActions Feed::on_position(LinkId link, std::int64_t token, std::optional<std::int64_t> previous) {
    FeedActions actions;
    const bool writer_restarted = options_.in_memory && token < latest_;
    if (link_ != link || writer_restarted) {
        // What waits or is being fetched belongs to another connection, or to a writer that is gone.
        on_link_lost(link_.value_or(0));
        fetch_id_.reset();
        link_ = link;
        previous.reset();  // of a writer of whom we may know something else
    }
    latest_ = token;
    if (!std::exchange(has_heard_position_, true) && !options_.in_memory && options_.unsure_tokens > 0) {
        position_ = std::max<std::int64_t>(0, std::min(position_, token) - options_.unsure_tokens);
    }
    if (overflowed_) {
        last_row_was_open_ = false;
        return actions;  // finish_catch_up goes on to latest_
    }
    queue_.emplace_back(QueuedPosition{token, previous});
    run_queue(actions);
    return actions;
}

FeedActions Feed::on_row(LinkId link, std::optional<std::int64_t> token, json::value row,
                         std::size_t row_bytes) {
    FeedActions actions;
    if (link_ != link) return actions;  // before the first POSITION, which will cover it
    if (token) latest_ = std::max(latest_, *token);
    if (overflowed_) {
        last_row_was_open_ = !token;
        return actions;
    }
    queued_bytes_ += row_bytes;
    queue_.emplace_back(QueuedRow{token, std::move(row), row_bytes});
    run_queue(actions);
    if (queue_.size() > options_.queued_rows_max || queued_bytes_ > options_.queued_bytes_max) {
        drop_queue();
        overflowed_ = true;
        last_row_was_open_ = !token;
        ++overflows_;
    }
    return actions;
}

FeedActions Feed::on_fetched(std::uint64_t id, Updates updates) {
    if (fetch_id_ != id) return {};
    if (updates.limited && updates.upto <= position_) return on_fetch_failed(id);  // would never end

    FeedActions actions;
    fetch_id_.reset();
    retry_delay_ms_ = 0;
    if (options_.in_memory && position_ != 0 && position_ < updates.begins) begin_anew(actions);
    auto& rows = updates.rows;
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Update& a, const Update& b) { return a.token < b.token; });
    for (std::size_t i = 0; i < rows.size();) {
        ApplyRows apply{rows[i].token, {}};
        for (; i < rows.size() && rows[i].token == apply.token; ++i)
            apply.rows.push_back(std::move(rows[i].row));
        if (apply.token <= position_) continue;
        position_ = apply.token;
        if (is_new(apply.token, apply.rows)) actions.emplace_back(std::move(apply));
    }
    if (updates.upto > position_) {
        position_ = updates.upto;
        actions.emplace_back(AdvanceTo{position_});
    }
    latest_ = std::max(latest_, position_);
    if (updates.limited && position_ < target_) {
        if (link_) request(actions);  // without one, the next connection's POSITION goes on from here
    } else {
        finish_catch_up(actions);
    }
    run_queue(actions);
    return actions;
}

FeedActions Feed::on_fetch_failed(std::uint64_t id) {
    if (fetch_id_ != id) return {};
    if (!link_) {
        fetch_id_.reset();
        return {};
    }
    retry_delay_ms_ =
        std::clamp(retry_delay_ms_ * 2, options_.retry_delay_min_ms, options_.retry_delay_max_ms);
    FeedActions actions;
    actions.emplace_back(RetryFetch{id, retry_delay_ms_});
    return actions;
}

FeedActions Feed::on_retry(std::uint64_t id) {
    FeedActions actions;
    if (fetch_id_ != id) return actions;
    fetch_id_.reset();
    if (link_) request(actions);
    return actions;
}

void Feed::on_link_lost(LinkId link) {
    if (link_ != link) return;
    link_.reset();
    connected_ = false;
    drop_queue();
    overflowed_ = false;
    last_row_was_open_ = false;
}

void Feed::drop_queue() {
    queue_.clear();
    queued_bytes_ = 0;
    batch_.clear();
    batch_bytes_ = 0;
    batch_is_broken_ = false;
}

void Feed::run_queue(FeedActions& actions) {
    while (!busy() && !queue_.empty()) {
        auto item = std::move(queue_.front());
        queue_.pop_front();
        if (auto* row = std::get_if<QueuedRow>(&item)) {
            queued_bytes_ -= row->bytes;
            accept(std::move(*row), actions);
        } else {
            take_position(std::get<QueuedPosition>(item), actions);
        }
    }
    // Said last: who is told of it must find applied what has waited.
    if (std::exchange(has_caught_up_, false) && connected_) actions.emplace_back(CaughtUp{});
}

void Feed::take_position(const QueuedPosition& position, FeedActions& actions) {
    const bool in_batch = !batch_.empty() || batch_is_broken_;
    batch_.clear();
    batch_bytes_ = 0;
    batch_is_broken_ = false;
    const bool is_in_order = connected_ && !in_batch && position_ <= position.token;
    if (is_in_order && position.previous && *position.previous <= position_) {
        if (position_ == position.token) return;
        position_ = position.token;
        actions.emplace_back(AdvanceTo{position_});
        return;
    }
    start_catch_up(position.token, actions);
}

void Feed::accept(QueuedRow row, FeedActions& actions) {
    if (!row.token) {
        if (batch_is_broken_) return;
        batch_bytes_ += row.bytes;
        batch_.push_back(std::move(row.row));
        if (batch_bytes_ > options_.queued_bytes_max || batch_.size() > options_.queued_rows_max) {
            batch_.clear();
            batch_bytes_ = 0;
            batch_is_broken_ = true;
            ++overflows_;
        }
        return;
    }
    ApplyRows apply{*row.token, std::exchange(batch_, {})};
    batch_bytes_ = 0;
    if (std::exchange(batch_is_broken_, false)) {
        if (apply.token > position_) start_catch_up(apply.token, actions);
        return;
    }
    if (apply.token <= position_ && options_.tokens_ascend) {
        ++duplicates_;
        return;
    }
    apply.rows.push_back(std::move(row.row));
    position_ = std::max(position_, apply.token);
    if (is_new(apply.token, apply.rows)) actions.emplace_back(std::move(apply));
}

/// False if just these rows were applied under this token before the floor was lowered.
bool Feed::is_new(std::int64_t token, const Rows& rows) {
    if (!options_.tokens_ascend) return true;
    std::size_t hash = rows.size();
    for (const auto& row : rows) hash = hash * 31 + std::hash<json::value>{}(row);
    const auto [at, inserted] = recent_.try_emplace(token, hash);
    if (!inserted && at->second == hash) {
        ++duplicates_;
        return false;
    }
    at->second = hash;
    if (recent_.size() > options_.recent_tokens_max) recent_.erase(recent_.begin());
    return true;
}

void Feed::start_catch_up(std::int64_t target, FeedActions& actions) {
    connected_ = false;
    // The writer was restarted and may hand out the tokens above again.
    if (target < position_ && options_.in_memory) begin_anew(actions);
    position_ = std::min(position_, target);
    target_ = target;
    if (position_ < target_) {
        request(actions);
    } else {
        finish_catch_up(actions);
    }
}

void Feed::begin_anew(FeedActions& actions) {
    position_ = 0;
    recent_.clear();
    actions.emplace_back(RewindTo{0});
}

void Feed::request(FeedActions& actions) {
    fetch_id_ = next_fetch_id_++;
    actions.emplace_back(FetchRows{*fetch_id_, position_, target_});
}

void Feed::finish_catch_up(FeedActions& actions) {
    if (position_ < target_) {
        position_ = target_;
        actions.emplace_back(AdvanceTo{position_});
    }
    if (std::exchange(overflowed_, false)) {
        // A batch whose first rows were dropped is complete only in the database.
        batch_is_broken_ = std::exchange(last_row_was_open_, false);
        start_catch_up(latest_, actions);
        return;
    }
    if (!link_) return;
    connected_ = true;
    has_caught_up_ = true;
}

}  // namespace weft::replication

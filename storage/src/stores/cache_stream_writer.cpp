#include "weft/storage/cache_stream_writer.hpp"

#include <map>
#include <mutex>

#include <boost/asio/post.hpp>

#include "stores/store_support.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::storage {

using proto::replication::CachesRow;

namespace {

constexpr Sql kInsert{"insert_cache_invalidation", R"sql(
    INSERT INTO cache_invalidation_stream_by_instance (stream_id, instance_name, cache_func, keys, invalidation_ts)
    VALUES (nextval('cache_invalidation_stream_seq'), $1, $2, $3::text[], $4)
    RETURNING stream_id)sql"};

/// Each of $3 is an array literal.
constexpr Sql kInsertEach{"insert_cache_invalidations", R"sql(
    INSERT INTO cache_invalidation_stream_by_instance (stream_id, instance_name, cache_func, keys, invalidation_ts)
    SELECT nextval('cache_invalidation_stream_seq'), $1, $2, literal::text[], $4 FROM unnest($3::text[]) AS literal
    RETURNING stream_id, array_to_json(keys))sql"};

constexpr Sql kUpdates{"cache_invalidation_updates", R"sql(
    SELECT stream_id, cache_func, array_to_json(keys), COALESCE(invalidation_ts, 0)
    FROM cache_invalidation_stream_by_instance
    WHERE instance_name = $1 AND stream_id > $2 AND stream_id <= $3
    ORDER BY stream_id FETCH FIRST $4 ROWS WITH TIES)sql"};

/// `["a", "b"]` as text, or NULL.
std::optional<std::vector<std::string>> parse_keys(const Field& field) {
    if (field.is_null()) return std::nullopt;
    std::vector<std::string> keys;
    const auto parsed = proto::parse_json(field.view());
    if (parsed && parsed->is_array()) {
        for (const auto& key : parsed->get_array()) {
            keys.push_back(key.is_string() ? std::string{key.get_string()} : std::string{});
        }
    }
    return keys;
}

void invalidate_by_row(const CacheRegistry& registry, const CachesRow& row) {
    if (row.keys) {
        registry.invalidate(row.cache, *row.keys);
    } else {
        registry.invalidate_all(row.cache);
    }
}

}  // namespace

/// Puts the tokens of this process into ascending order although transactions commit in any order. `open` is
/// shared with database threads; the rest belongs to the logic thread.
struct CacheStreamWriter::Order : std::enable_shared_from_this<Order> {
    Order(StreamState& to, CacheRegistry& caches, asio::any_io_executor on)
        : stream{&to}, registry{caches}, executor{std::move(on)} {}

    StreamState* stream;  // null once the writer is gone
    CacheRegistry& registry;
    asio::any_io_executor executor;
    std::map<std::int64_t, CachesRow> waiting;  // committed, but a smaller token is still open

    std::mutex mutex;
    std::uint64_t tickets = 0;
    std::int64_t newest = 0;
    std::map<std::uint64_t, std::int64_t> open;  // ticket -> its token is at least this

    /// A row that is about to get a token. Given back when its transaction has committed or is no more.
    class Ticket {
    public:
        explicit Ticket(std::shared_ptr<Order> order) : order_{std::move(order)} {
            const std::lock_guard lock{order_->mutex};
            number_ = ++order_->tickets;
            order_->open.emplace(number_, order_->newest + 1);
        }
        ~Ticket() {
            {
                const std::lock_guard lock{order_->mutex};
                if (order_->open.erase(number_) == 0) return;
            }
            // Rolled back, on a database thread: what waited for us may go on.
            asio::post(order_->executor, [order = order_->weak_from_this()] {
                if (const auto alive = order.lock()) alive->release();
            });
        }
        Ticket(const Ticket&) = delete;
        Ticket& operator=(const Ticket&) = delete;

        void has_token(std::int64_t token) {
            const std::lock_guard lock{order_->mutex};
            order_->open[number_] = token;
            order_->newest = std::max(order_->newest, token);
        }
        void committed(std::int64_t token, CachesRow row) {
            {
                const std::lock_guard lock{order_->mutex};
                order_->open.erase(number_);
            }
            // Our own caches must not wait for their turn: the caller goes on right after this.
            invalidate_by_row(order_->registry, row);
            order_->waiting.emplace(token, std::move(row));
            order_->release();
        }

    private:
        std::shared_ptr<Order> order_;
        std::uint64_t number_ = 0;
    };

    std::int64_t lowest_open() {
        const std::lock_guard lock{mutex};
        auto lowest = std::numeric_limits<std::int64_t>::max();
        for (const auto& [ticket, token] : open) lowest = std::min(lowest, token);
        return lowest;
    }

    void release() {
        if (stream == nullptr) return;
        const auto limit = lowest_open();
        while (!waiting.empty() && waiting.begin()->first < limit) {
            const auto node = waiting.extract(waiting.begin());
            stream->announce(node.key(), {node.mapped().to_json()});
        }
    }
};

CacheStreamWriter::CacheStreamWriter(Database& db, StreamState& stream, CacheRegistry& registry,
                                     std::string instance, const core::Clock& clock,
                                     asio::any_io_executor executor)
    : db_{db},
      registry_{registry},
      instance_{std::move(instance)},
      clock_{clock},
      order_{std::make_shared<Order>(stream, registry, std::move(executor))} {
    stream.on_invalidate([&registry](std::int64_t, const StreamRows& rows) {
        for (const auto& json : rows) {
            if (const auto row = CachesRow::parse(json)) invalidate_by_row(registry, *row);
        }
    });
}

CacheStreamWriter::~CacheStreamWriter() {
    order_->stream = nullptr;
}

void CacheStreamWriter::invalidate(Transaction& txn, const std::string& name,
                                   const std::vector<std::string>& keys) {
    write(txn, name, &keys);
}

void CacheStreamWriter::invalidate_each(Transaction& txn, const std::string& name,
                                        const std::vector<std::vector<std::string>>& keys) {
    if (keys.empty()) return;
    std::vector<std::string> literals;
    std::vector<std::shared_ptr<Order::Ticket>> tickets;
    for (const auto& one : keys) {
        literals.push_back(*Param{one}.text());
        tickets.push_back(std::make_shared<Order::Ticket>(order_));
    }
    const auto now_ms = clock_.now_ms();
    std::size_t next = 0;
    for (const auto inserted : txn.exec(kInsertEach, instance_, name, literals, now_ms)) {
        CachesRow row;
        row.cache = name;
        row.keys = parse_keys(inserted[1]);
        row.invalidation_ts = now_ms;
        auto ticket = tickets.at(next++);
        const auto token = inserted[0].i64();
        ticket->has_token(token);
        txn.call_after([ticket, token, row = std::move(row)] { ticket->committed(token, row); });
    }
}

void CacheStreamWriter::invalidate_all(Transaction& txn, const std::string& name) {
    write(txn, name, nullptr);
}

void CacheStreamWriter::write(Transaction& txn, const std::string& name,
                              const std::vector<std::string>* keys) {
    CachesRow row;
    row.cache = name;
    if (keys != nullptr) row.keys = *keys;
    row.invalidation_ts = clock_.now_ms();

    // The ticket goes with the transaction's callbacks, whichever way those end.
    auto ticket = std::make_shared<Order::Ticket>(order_);
    const auto inserted = txn.exec(kInsert, instance_, name, row.keys, row.invalidation_ts);
    const auto token = inserted.front()[0].i64();
    ticket->has_token(token);
    txn.call_after([ticket, token, row = std::move(row)] { ticket->committed(token, row); });
}

Task<StreamUpdates> CacheStreamWriter::updates(std::string instance, std::int64_t from, std::int64_t to,
                                               std::size_t limit) {
    // Not beyond `to`: there a token may be committed while a smaller one is still open.
    const auto rows = co_await db_.query(kUpdates, instance, from, to, limit);
    StreamUpdates updates;
    for (const auto row : rows) {
        CachesRow out;
        out.cache = row[1].str();
        out.keys = parse_keys(row[2]);
        out.invalidation_ts = row[3].i64();
        updates.rows.emplace_back(row[0].i64(), out.to_json());
    }
    updates.limited = rows.size() >= limit;
    updates.upto = updates.limited ? updates.rows.back().first : to;
    co_return updates;
}

}  // namespace weft::storage

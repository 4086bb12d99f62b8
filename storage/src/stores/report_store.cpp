#include "weft/storage/report_store.hpp"

namespace weft::storage {
namespace {

constexpr Sql kAddEvent{"add_event_report", R"sql(
    INSERT INTO event_reports (id, received_ts, room_id, event_id, user_id, reason, content)
    VALUES (nextval('weft_event_report_id_seq'), $1, $2, $3, $4, $5, $6))sql"};
constexpr Sql kAddRoom{
    "add_room_report",
    "INSERT INTO room_reports (received_ts, room_id, user_id, reason) VALUES ($1, $2, $3, $4)"};
constexpr Sql kAddUser{
    "add_user_report",
    "INSERT INTO user_reports (received_ts, target_user_id, user_id, reason) VALUES ($1, $2, $3, $4)"};

}  // namespace

Task<void> ReportStore::add_event(Report report, std::string room_id, std::string event_id) {
    co_await context_.db.query(kAddEvent, context_.clock.now_ms(), room_id, event_id, report.by_user,
                               report.reason, report.content);
}

Task<void> ReportStore::add_room(Report report, std::string room_id) {
    co_await context_.db.query(kAddRoom, context_.clock.now_ms(), room_id, report.by_user, report.reason);
}

Task<void> ReportStore::add_user(Report report, std::string target_user_id) {
    co_await context_.db.query(kAddUser, context_.clock.now_ms(), target_user_id, report.by_user,
                               report.reason);
}

}  // namespace weft::storage

#include "weft/handlers/rooms/reports.hpp"

#include "weft/core/errors.hpp"

namespace weft::handlers {

using core::MatrixError;

namespace {

/// Of one user. Each report is a row that a person has to read.
constexpr core::RateLimit kReports{1, 20};

}  // namespace

Reports::Reports(storage::ReportStore& reports, storage::UserStore& users, storage::EventsStore& events,
                 RoomReader& rooms, EventReader& reader, const core::Clock& clock, std::string server_name)
    : reports_{reports},
      users_{users},
      events_{events},
      rooms_{rooms},
      reader_{reader},
      server_name_{std::move(server_name)},
      limiter_{clock, kReports} {}

Task<void> Reports::report_event(storage::Report report, proto::RoomId room_id, proto::EventId event_id) {
    limiter_.acquire(report.by_user);
    const bool joined = co_await rooms_.membership(room_id, proto::UserId::trusted(report.by_user)) == "join";
    if (!joined) throw MatrixError::not_found("The event was not found or you are not joined to the room.");
    co_await reader_.event(EventQuery{report.by_user, room_id, event_id});
    co_await reports_.add_event(std::move(report), room_id.str(), event_id.str());
}

Task<void> Reports::report_room(storage::Report report, proto::RoomId room_id) {
    limiter_.acquire(report.by_user);
    if (!co_await events_.room_version(room_id)) throw MatrixError::not_found("The room was not found.");
    co_await reports_.add_room(std::move(report), room_id.str());
}

Task<void> Reports::report_user(storage::Report report, proto::UserId target) {
    limiter_.acquire(report.by_user);
    if (target.server_name() == server_name_ && !co_await users_.get_user(target.str())) {
        throw MatrixError::not_found("The user was not found.");
    }
    co_await reports_.add_user(std::move(report), target.str());
}

}  // namespace weft::handlers

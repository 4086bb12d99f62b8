#include "weft/storage/admin_task_store.hpp"

namespace weft::storage {
namespace {

constexpr Sql kAdd{"add_admin_task", R"sql(
    INSERT INTO admin_tasks (task_id, action, subject, status, arguments, progress, created_ts, updated_ts)
    VALUES ($1, $2, $3, 'active', $4, $5, $6, $6))sql"};

constexpr Sql kGet{"get_admin_task", R"sql(
    SELECT task_id, action, subject, status, arguments, progress, error, created_ts FROM admin_tasks WHERE task_id = $1)sql"};

constexpr Sql kOfSubject{"admin_tasks_of_subject", R"sql(
    SELECT task_id, action, subject, status, arguments, progress, error, created_ts FROM admin_tasks
    WHERE subject = $2 AND action = $1 ORDER BY created_ts DESC, task_id)sql"};

constexpr Sql kActive{"active_admin_tasks", R"sql(
    SELECT task_id, action, subject, status, arguments, progress, error, created_ts FROM admin_tasks
    WHERE status = 'active' ORDER BY created_ts)sql"};

constexpr Sql kSetProgress{"set_admin_task_progress",
                           "UPDATE admin_tasks SET progress = $2, updated_ts = $3 WHERE task_id = $1"};

constexpr Sql kFinish{"finish_admin_task", R"sql(
    UPDATE admin_tasks SET status = CASE WHEN $3::text IS NULL THEN 'complete' ELSE 'failed' END, progress = $2, error = $3,
        updated_ts = $4 WHERE task_id = $1)sql"};

std::vector<AdminTask> to_tasks(const Rows& rows) {
    std::vector<AdminTask> tasks;
    for (const auto row : rows) {
        tasks.push_back({row[0].str(), row[1].str(), row[2].str(), row[3].str(), row[4].str(), row[5].str(),
                         row[6].opt_str(), row[7].i64()});
    }
    return tasks;
}

}  // namespace

Task<void> AdminTaskStore::add(AdminTask task) {
    co_await context_.db.query(kAdd, task.task_id, task.action, task.subject, task.arguments, task.progress,
                               context_.clock.now_ms());
}

Task<std::optional<AdminTask>> AdminTaskStore::get(std::string task_id) {
    auto tasks = to_tasks(co_await context_.db.query(kGet, task_id));
    if (tasks.empty()) co_return std::nullopt;
    co_return std::move(tasks.front());
}

Task<std::vector<AdminTask>> AdminTaskStore::of_subject(std::string action, std::string subject) {
    co_return to_tasks(co_await context_.db.query(kOfSubject, action, subject));
}

Task<std::vector<AdminTask>> AdminTaskStore::active() {
    co_return to_tasks(co_await context_.db.query(kActive));
}

Task<void> AdminTaskStore::set_progress(std::string task_id, std::string progress) {
    co_await context_.db.query(kSetProgress, task_id, progress, context_.clock.now_ms());
}

Task<void> AdminTaskStore::finish(std::string task_id, std::string progress,
                                  std::optional<std::string> error) {
    co_await context_.db.query(kFinish, task_id, progress, error, context_.clock.now_ms());
}

}  // namespace weft::storage

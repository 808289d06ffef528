#pragma once

namespace kms {

/// Asks the kernel that a thread which wakes up does not take the processor away from another that
/// is at work (SCHED_BATCH, sched(7)). Each request wakes a thread a few times; with as many
/// requests under way as there are sessions, one that is interrupted while it has a lock of the
/// module's holds up all others. Threads that begin later inherit it. Does nothing if the operator
/// has chosen a policy, and where it is not allowed nothing but speed is lost.
void let_threads_finish() noexcept;

}  // namespace kms

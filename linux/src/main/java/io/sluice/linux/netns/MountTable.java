package io.sluice.linux.netns;

import io.sluice.linux.syscall.Descriptor;
import io.sluice.linux.syscall.FileCalls;
import org.jspecify.annotations.Nullable;

/**
 * Whether anything was mounted or unmounted where this process lives, which the kernel tells by one
 * poll(2): see {@code /proc/[pid]/mounts} in proc_pid_mounts(5). For one thread at a time.
 */
public final class MountTable implements AutoCloseable {
  private static final String PATH = "/proc/self/mountinfo";

  private final @Nullable Descriptor table;

  /** From now on; where the table cannot be opened, something always was. */
  public MountTable() {
    int fd = FileCalls.open(PATH, FileCalls.O_RDONLY);
    this.table = fd < 0 ? null : new Descriptor(fd, PATH);
  }

  /** Whether it has changed since this was asked last; also where that cannot be told. */
  public boolean hasChanged() {
    return table == null || FileCalls.poll(table.fd(), FileCalls.POLLPRI, 0) != 0;
  }

  @Override
  public void close() {
    if (table != null) {
      table.close();
    }
  }
}

package io.sluice.linux.bpf;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.sluice.linux.Errno;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.syscall.BpfCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** Which programs run at a hook, whoever attached them: to find strangers beside or before ours. */
public final class AttachedPrograms {
  private static final int PROG_QUERY = 16;
  private static final int ATTR_BYTES = 40;
  private static final int FIRST_ROOM = 16;

  private AttachedPrograms() {}

  /** Ids of the programs attached to a network namespace, in the order they run. */
  public static List<Integer> toNetns(NetnsHandle ns, AttachType type) {
    try (var arena = Arena.ofConfined()) {
      for (int room = FIRST_ROOM; ; room *= 2) {
        MemorySegment ids = arena.allocate(JAVA_INT, room);
        MemorySegment attr = arena.allocate(ATTR_BYTES, Long.BYTES);
        attr.set(JAVA_INT, 0, ns.fd());
        attr.set(JAVA_INT, 4, type.number());
        attr.set(JAVA_LONG, 16, ids.address());
        attr.set(JAVA_INT, 24, room);
        int rc = BpfCalls.bpf(PROG_QUERY, attr, ATTR_BYTES);
        if (rc == -Errno.ENOSPC.number()) {
          continue;
        }
        BpfFailure.check("bpf(PROG_QUERY)", rc, ns + ", " + type, "this hook does not exist there");
        int count = attr.get(JAVA_INT, 24);
        return Arrays.stream(ids.asSlice(0, (long) count * Integer.BYTES).toArray(JAVA_INT))
            .boxed()
            .toList();
      }
    }
  }
}

package io.sluice.linux.cgroup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.ScratchCgroup;
import io.sluice.linux.cgroup.Cgroups.MountTable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class CgroupsTest {
  @Test
  void findsMountPointsByTypeOnly() {
    var table =
        List.of(
            "30 24 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755",
            "31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw",
            "40 24 0:50 /kubepods /mnt/with\\040blank rw - cgroup2 none rw",
            "32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd");

    assertThat(MountTable.mountPoints(table, "cgroup2"))
        .containsExactly(Path.of("/sys/fs/cgroup/unified"), Path.of("/mnt/with blank"));
  }

  @Test
  @Tag("kernel")
  void findsTheRootOfTheNode() {
    Path root = Cgroups.rootV2();

    assertThat(Cgroups.id(root)).isEqualTo(1);
    assertThat(root.resolve("cgroup.controllers")).exists();
  }

  @Test
  @Tag("kernel")
  void movesThisProcessInAndOut() throws Exception {
    try (var cgroup = ScratchCgroup.create()) {
      assertThat(Cgroups.id(cgroup.path())).isGreaterThan(1);
      assertThat(Cgroups.isRoot(cgroup.path())).isFalse();
      Cgroups.create(cgroup.path());
      cgroup.inside(() ->
          assertThat(cgroup.path().resolve("cgroup.procs"))
              .content()
              .contains(Long.toString(ProcessHandle.current().pid())));
      assertThat(Files.readString(cgroup.path().resolve("cgroup.procs"))).isEmpty();
    }
  }

  @Test
  @Tag("kernel")
  void saysWhatFailedOnWhichCgroup() throws Exception {
    Path absent = Cgroups.rootV2().resolve("slxlin-absent");
    Cgroups.remove(absent);
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Cgroups.id(absent))
        .satisfies(e -> {
          assertThat(e.errno()).isEqualTo(Errno.ENOENT);
          assertThat(e.subject()).isEqualTo(absent.toString());
        });
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Cgroups.moveSelfTo(absent))
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> Cgroups.create(absent.resolve("child")))
        .satisfies(e -> assertThat(e.operation()).isEqualTo("mkdir"));
    try (var cgroup = ScratchCgroup.create()) {
      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(() -> Cgroups.move(Integer.MAX_VALUE, cgroup.path()))
          .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ESRCH));
      Path child = cgroup.path().resolve("child");
      Cgroups.create(child);
      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(() -> Cgroups.remove(cgroup.path()))
          .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.EBUSY));
      Cgroups.remove(child);
    }
  }
}

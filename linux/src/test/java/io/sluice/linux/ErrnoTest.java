package io.sluice.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ErrnoTest {
  @Test
  void knowsNumbersAndTextsOfTheKernel() {
    assertThat(Errno.of(1)).isEqualTo(Errno.EPERM);
    assertThat(Errno.of(11)).isEqualTo(Errno.EAGAIN);
    assertThat(Errno.of(95)).isEqualTo(Errno.EOPNOTSUPP);
    assertThat(Errno.of(111)).isEqualTo(Errno.ECONNREFUSED);
    assertThat(Errno.of(115)).isEqualTo(Errno.EINPROGRESS);
    assertThat(Errno.of(524)).isEqualTo(Errno.ENOTSUPP);
    assertThat(Errno.ENOSPC.number()).isEqualTo(28);
    assertThat(Errno.ENOSPC.text()).isEqualTo("no space left on device");
  }

  @Test
  void callsOtherNumbersUnknown() {
    assertThat(Errno.of(0)).isEqualTo(Errno.UNKNOWN);
    assertThat(Errno.of(-1)).isEqualTo(Errno.UNKNOWN);
    assertThat(Errno.of(400)).isEqualTo(Errno.UNKNOWN);
    assertThat(Errno.of(100_000)).isEqualTo(Errno.UNKNOWN);
  }

  @Test
  void findsEveryErrorByItsNumber() {
    for (Errno errno : Errno.values()) {
      assertThat(Errno.of(errno.number())).isEqualTo(errno);
    }
  }

  @Test
  void saysWhatFailedOnWhatAndWhatToDo() {
    var exception =
        new LinuxException(
            "bpf(MAP_UPDATE_ELEM)", Errno.ENOSPC, "map workload_by_addr", "raise its size");

    assertThat(exception)
        .hasMessage(
            "bpf(MAP_UPDATE_ELEM) on map workload_by_addr failed: ENOSPC (no space left on"
                + " device); raise its size");
  }
}

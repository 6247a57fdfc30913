package io.sluice.node.placement;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.NamespacedName;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SandboxRecordsTest {
  private static final NamespacedName POD = new NamespacedName("shop", "store");

  @TempDir private Path directory;
  private SandboxRecords records;

  @BeforeEach
  void open() {
    records = SandboxRecords.open(directory);
  }

  private static Sandbox sandbox(String id, long cookie) {
    return new Sandbox(id, "eth0", POD, Path.of("/run/netns", id), cookie, cookie, List.of());
  }

  @Test
  void theSandboxToldOfLastCountsWhateverTheirCookies() {
    records.write(sandbox("old", 4_097)); // each CPU hands out cookies of its own
    records.write(sandbox("new", 2));
    records.write(sandbox("old", 4_097)); // a call that is repeated makes nothing newer

    assertThat(records.of(POD)).contains(sandbox("new", 2));
    assertThat(SandboxRecords.open(directory).of(POD)).contains(sandbox("new", 2));
  }

  @Test
  void theNumbersGoOnInTheNextDaemon() {
    records.write(sandbox("first", 3));
    SandboxRecords next = SandboxRecords.open(directory);
    next.write(sandbox("second", 1));

    assertThat(next.of(POD)).contains(sandbox("second", 1));
  }

  @Test
  void whatLeavesCountsNoMoreButIsKnownUntilItIsRemoved() {
    records.write(sandbox("old", 1));
    records.write(sandbox("new", 2));

    records.leave("new");

    for (SandboxRecords present : List.of(records, SandboxRecords.open(directory))) {
      assertThat(present.of(POD)).contains(sandbox("old", 1));
      assertThat(present.find("new")).isEmpty();
      assertThat(present.known("new")).isPresent();
      assertThat(present.leaving()).containsExactly(sandbox("new", 2));
      assertThat(present.holds(2)).isFalse();
    }
    records.remove("new");
    assertThat(SandboxRecords.open(directory).leaving()).isEmpty();
  }

  @Test
  void aSandboxThatComesBackIsNew() {
    assertThat(records.write(sandbox("c", 1))).isTrue();
    assertThat(records.write(sandbox("c", 1))).isFalse();
    records.leave("c");

    assertThat(records.hasJustLeft(() -> 1)).isTrue();
    assertThat(records.write(sandbox("c", 1))).isTrue();
    assertThat(records.hasJustLeft(() -> 1)).isFalse();
  }

  @Test
  void anUnfinishedFileIsNoRecord() throws Exception {
    records.write(sandbox("c", 1));
    Files.writeString(directory.resolve(".c"), "{\"contain");

    assertThat(SandboxRecords.open(directory).all()).containsExactly(sandbox("c", 1));
    assertThat(directory.resolve(".c")).doesNotExist();
  }
}

package io.sluice.interception;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.interception.EnrolledRecords.Enrolled;
import io.sluice.iptables.RulesProof;
import io.sluice.mesh.NamespacedName;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EnrolledRecordsTest {
  private static final NamespacedName POD = NamespacedName.parse("shop/store");
  private static final Path NETNS = Path.of("/run/netns/store");
  private static final RulesProof PROOF = new RulesProof(4, "a".repeat(64), "b".repeat(64));

  @TempDir private Path directory = Path.of("");

  @Test
  void keepTheProofUntilTheyAreWrittenWithoutOne() {
    EnrolledRecords records = new EnrolledRecords(directory);

    records.write(POD, NETNS, 7, Optional.of(PROOF));
    assertThat(records.read(7)).contains(new Enrolled(POD, NETNS, true, Optional.of(PROOF)));

    records.write(POD, NETNS, 7, Optional.empty());
    assertThat(records.read(7)).contains(new Enrolled(POD, NETNS, true, Optional.empty()));
  }

  @Test
  void sayWhetherTheRulesWereInForceOrOnlyBegun() {
    EnrolledRecords records = new EnrolledRecords(directory);

    records.begin(POD, NETNS, 7);
    assertThat(records.read(7)).contains(new Enrolled(POD, NETNS, false, Optional.empty()));
    assertThat(records.cookies()).containsExactly(7L);

    records.write(POD, NETNS, 7);
    assertThat(records.read(7)).contains(new Enrolled(POD, NETNS, true, Optional.empty()));

    records.leave(7);
    assertThat(records.read(7)).contains(new Enrolled(POD, NETNS, false, Optional.empty()));
  }

  @Test
  void areStillRecordsWithHalfAProof() throws Exception {
    EnrolledRecords records = new EnrolledRecords(directory);
    records.write(POD, NETNS, 7, Optional.of(PROOF));
    Path file = directory.resolve("7");
    String whole = Files.readString(file);

    Files.writeString(file, whole.substring(0, whole.length() - 9));

    assertThat(records.read(7)).contains(new Enrolled(POD, NETNS, true, Optional.empty()));
  }

  @Test
  void goWithWhatWasNotWrittenToItsEndAndOnlyWhenNothingIsNoted() throws Exception {
    EnrolledRecords records = new EnrolledRecords(directory.resolve("records"));
    records.write(POD, NETNS, 7);
    Files.writeString(records.directory().resolve("new"), "shop/st");
    assertThatThrownBy(records::removeDirectory).isInstanceOf(DirectoryNotEmptyException.class);

    records.remove(7);
    Files.writeString(records.directory().resolve("new"), "shop/st");
    records.removeDirectory();

    assertThat(records.directory()).doesNotExist();
    records.removeDirectory(); // as where there never was one
  }
}

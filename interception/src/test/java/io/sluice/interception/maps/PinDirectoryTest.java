package io.sluice.interception.maps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PinDirectoryTest {
  @TempDir private Path root = Path.of("");

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "../../etc", "a/b", "/abs", "-a", "a-", "UPPER", "a b"})
  void refusesNamesThatCouldLeadElsewhere(String name) {
    assertThatThrownBy(() -> PinDirectory.ofNode(name))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + name + "'")
        .hasMessageContaining("a-z, 0-9");
  }

  @Test
  void schemasLieBesideEachOther() {
    assertThat(PinDirectory.ofNode("node-1.example").path())
        .isEqualTo(Path.of("/sys/fs/bpf/sluice/node-1.example/v" + PinDirectory.SCHEMA_VERSION));
  }

  @Test
  void longNamesAreShortenedToNamesThatStayApart() {
    String name = "n".repeat(252);
    String directory = PinDirectory.directoryName(name + "a");

    assertThat(directory).hasSize(63).startsWith("n".repeat(46) + "-");
    assertThat(directory).isNotEqualTo(PinDirectory.directoryName(name + "b"));
    assertThat(PinDirectory.directoryName(directory)).isEqualTo(directory);
    assertThat(PinDirectory.ofNode(name + "a")).isEqualTo(PinDirectory.ofNode(directory));
    assertThat(PinDirectory.directoryName("n".repeat(63))).isEqualTo("n".repeat(63));
  }

  @Test
  void theDirectoryOfAllNodesGoesWithTheLastOfThem() throws Exception {
    Path all = root.resolve("sluice");
    PinDirectory pins = new PinDirectory(all.resolve("node").resolve("v1"));
    pins.create();
    PinDirectory.removeIfEmpty(all);
    assertThat(pins.path()).exists();

    pins.removeAll();
    PinDirectory.removeIfEmpty(all);
    assertThat(all).doesNotExist();
    PinDirectory.removeIfEmpty(all);
  }

  @Test
  void listsPodsByCookieAndOverlooksWhatIsNone() throws Exception {
    PinDirectory pins = new PinDirectory(root.resolve("node").resolve("v1"));
    pins.create();
    Files.createDirectories(pins.pod(4_711));
    Files.createDirectories(pins.path().resolve("pods").resolve("somebody-elses"));

    assertThat(pins.exists()).isTrue();
    assertThat(pins.podCookies()).containsExactly(4_711L);
  }

  @Test
  void removesOnePodAndThenTheWholeNodeButNoOther() throws Exception {
    PinDirectory pins = new PinDirectory(root.resolve("node").resolve("v1"));
    PinDirectory other = new PinDirectory(root.resolve("other").resolve("v1"));
    pins.create();
    other.create();
    Files.createDirectories(pins.pod(1));
    Files.writeString(pins.pod(1).resolve("link"), "");
    Files.writeString(pins.map("pods"), "");

    pins.removePod(1);
    assertThat(pins.podCookies()).isEmpty();
    assertThat(pins.map("pods")).exists();

    pins.removeAll();
    assertThat(pins.exists()).isFalse();
    assertThat(root.resolve("node")).doesNotExist();
    assertThat(other.exists()).isTrue();
  }

  @Test
  void tellsOtherSchemasFromItsOwnAndFromWhatIsNone() throws Exception {
    PinDirectory former = new PinDirectory(root.resolve("node").resolve("v1"));
    PinDirectory present = new PinDirectory(root.resolve("node").resolve("v2"));
    former.create();
    Files.createDirectories(root.resolve("node").resolve("somebody-elses"));

    assertThat(present.exists()).isFalse();
    assertThat(present.existsInAnySchema()).isTrue();
    assertThat(present.otherSchemas()).containsExactly(former);

    present.create();
    former.removeSchema();
    assertThat(present.otherSchemas()).isEmpty();
    assertThat(present.exists()).isTrue();
  }

  @Test
  void nothingPinnedIsNothingToList() {
    PinDirectory pins = new PinDirectory(root.resolve("node").resolve("v1"));

    assertThat(pins.exists()).isFalse();
    assertThat(pins.existsInAnySchema()).isFalse();
    assertThat(pins.otherSchemas()).isEmpty();
    assertThat(pins.podCookies()).isEmpty();
    assertThat(new MapCatalogue(pins).list()).isEmpty();
    assertThat(new MapCatalogue(pins).dump("pods")).isEmpty();
    assertThat(new MapCatalogue(pins).dump("../../../etc/passwd")).isEmpty();
  }
}

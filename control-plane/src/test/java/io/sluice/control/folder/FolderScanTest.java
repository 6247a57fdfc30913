package io.sluice.control.folder;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.YamlDocuments;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderScanTest {
  @TempDir Path folder;

  @Test
  void refusesFilesBeyondTheLimitsInOrderOfName() throws Exception {
    Files.writeString(folder.resolve("c.yaml"), "1");
    Files.writeString(folder.resolve("a.yaml"), "1");
    Files.writeString(folder.resolve("b.yaml"), "1");

    FolderScan scan = FolderScan.of(folder, 2, 100);

    assertThat(scan.found()).containsOnlyKeys("a.yaml", "b.yaml");
    assertThat(scan.refused().values())
        .extracting(Problem::reason)
        .containsExactly("the folder has more than 2 manifests");
  }

  @Test
  void refusesWhatExceedsTheTotalSize() throws Exception {
    Files.writeString(folder.resolve("a.yaml"), "123456");
    Files.writeString(folder.resolve("b.yaml"), "123456");
    Files.writeString(folder.resolve("c.yaml"), "1234");

    FolderScan scan = FolderScan.of(folder, 10, 10);

    assertThat(scan.found()).containsOnlyKeys("a.yaml", "c.yaml");
    assertThat(scan.refused()).containsOnlyKeys("b.yaml");
  }

  @Test
  void refusesAFileThatIsTooLarge() throws Exception {
    Files.write(folder.resolve("a.yaml"), new byte[YamlDocuments.MAX_BYTES + 1]);

    assertThat(FolderScan.of(folder).refused()).containsOnlyKeys("a.yaml");
  }

  @Test
  void saysThatAFileIsNoFolder() throws Exception {
    Path file = Files.createFile(folder.resolve("a.yaml"));

    assertThat(FolderScan.of(file).problems())
        .singleElement()
        .matches(problem -> problem.reason().equals("this is not a folder"));
  }
}

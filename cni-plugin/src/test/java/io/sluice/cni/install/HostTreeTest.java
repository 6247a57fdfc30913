package io.sluice.cni.install;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class HostTreeTest {
  @TempDir Path directory;
  private Path root;
  private HostTree tree;

  @BeforeEach
  void makeTree() throws IOException {
    root = Files.createDirectories(directory.toRealPath().resolve("host"));
    Files.createDirectories(root.resolve("data/abc/bin"));
    tree = new HostTree(root);
  }

  @Test
  void followsAbsoluteLinksInsideOfTheRoot() throws IOException {
    Files.createSymbolicLink(root.resolve("data/current"), Path.of("/data/abc"));

    assertThat(tree.resolve(Path.of("/data/current/bin"))).isEqualTo(root.resolve("data/abc/bin"));
    assertThat(tree.passesLinks(Path.of("/data/current/bin"))).isTrue();
    assertThat(tree.passesLinks(Path.of("/data/abc/bin"))).isFalse();
  }

  @Test
  void followsRelativeLinks() throws IOException {
    Files.createSymbolicLink(root.resolve("data/current"), Path.of("../data/./abc"));

    assertThat(tree.resolve(Path.of("/data/current/bin"))).isEqualTo(root.resolve("data/abc/bin"));
  }

  @Test
  void neverLeavesTheRoot() throws IOException {
    Files.writeString(directory.resolve("secret"), "outside");
    Files.createSymbolicLink(root.resolve("up"), Path.of("../../secret"));

    assertThat(tree.resolve(Path.of("/up"))).isEqualTo(root.resolve("secret"));
    assertThat(tree.resolve(Path.of("/data/../../secret"))).isEqualTo(root.resolve("secret"));
    assertThat(tree.exists(Path.of("/up"))).isFalse();
  }

  @Test
  void givesUpOnCircles() throws IOException {
    Files.createSymbolicLink(root.resolve("a"), Path.of("/b"));
    Files.createSymbolicLink(root.resolve("b"), Path.of("/a"));

    assertThatThrownBy(() -> tree.resolve(Path.of("/a/x")))
        .isInstanceOf(FileSystemLoopException.class)
        .hasMessage("/a/x");
  }

  @Test
  void takesAbsolutePathsOnly() {
    assertThatThrownBy(() -> tree.resolve(Path.of("data"))).hasMessageContaining("not absolute");
  }

  @Test
  @Timeout(20)
  void readsRegularFilesOfALimitedSizeOnly() throws Exception {
    Files.writeString(root.resolve("file"), "12345");
    assertThat(tree.read(Path.of("/file"), 5)).hasSize(5);
    assertThatThrownBy(() -> tree.read(Path.of("/file"), 4)).hasMessageContaining("more than 4");
    assertThat(new ProcessBuilder("mkfifo", root.resolve("pipe").toString()).start().waitFor())
        .isZero();
    assertThatThrownBy(() -> tree.read(Path.of("/pipe"), 4))
        .hasMessageContaining("no regular file");
  }

  @Test
  void sortsByBytesAsRuntimesDo() throws IOException {
    Path confDir = Files.createDirectory(root.resolve("net.d"));
    for (String name : new String[] {"b", "B", "a", "0", "é", ".a"}) {
      Files.createFile(confDir.resolve(name));
    }

    assertThat(tree.list(Path.of("/net.d")).stream().map(Path::toString))
        .containsExactly(".a", "0", "B", "a", "b", "é");
  }

  @Test
  void findsWhatAPatternStandsForInEveryPart() throws IOException {
    for (String name : new String[] {"x/10.toml", "x/20.toml", "x/20.yaml", "y/10.toml"}) {
      Files.createDirectories(root.resolve("etc").resolve(name).getParent());
      Files.createFile(root.resolve("etc").resolve(name));
    }

    assertThat(tree.glob(Path.of("/etc/*/*.toml")))
        .containsExactly(
            Path.of("/etc/x/10.toml"), Path.of("/etc/x/20.toml"), Path.of("/etc/y/10.toml"));
    assertThat(tree.glob(Path.of("/none/*.toml"))).isEmpty();
  }
}

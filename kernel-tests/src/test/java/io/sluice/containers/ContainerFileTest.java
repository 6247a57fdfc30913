package io.sluice.containers;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.model.ContainerConfig;
import io.sluice.kernel.LongRun;
import io.sluice.lab.site.OneAtATime;
import io.sluice.lab.site.Site;
import io.sluice.mesh.Release;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** The container files, which are for bases of one's own, on the local base by an engine. */
@ResourceLock(OneAtATime.CONTAINER_ENGINE)
@Tag("kernel")
class ContainerFileTest {
  @Test
  void buildOnTheLocalBaseWithoutANetworkWhatTheArchiveHolds(@TempDir Path directory)
      throws Exception {
    Path archive = ImageArchive.path();
    try (Site site = new Site();
        ContainerEngine engine = new ContainerEngine(site.node(), Path.of("/tmp", site.prefix()))) {
      for (String name : LongRun.ON ? List.of("node", "controller") : List.of("node")) {
        JsonNode expected = ImageContents.config(archive, name).path("config");

        BuiltImage built =
            build(
                engine.client(),
                name,
                archive.resolveSibling(name),
                Files.createDirectory(directory.resolve(name)));

        ContainerConfig config = built.config();
        assertThat(config.getUser()).isEqualTo(expected.path("User").asText());
        assertThat(config.getEntrypoint()).containsExactly("/usr/bin/sluice");
        assertThat(config.getEnv())
            .containsExactlyInAnyOrderElementsOf(
                expected.path("Env").valueStream().map(JsonNode::asText).toList());
        assertThat(config.getLabels()).hasSize(expected.path("Labels").size());
        expected
            .path("Labels")
            .properties()
            .forEach(label ->
                assertThat(config.getLabels())
                    .containsEntry(label.getKey(), label.getValue().asText()));
        // The JVM ends at once when it cannot use the classes that the image has prepared.
        assertThat(built.sluice("-XX:AOTMode=on", "--version"))
            .isEqualTo("sluice " + Release.VERSION);
      }
    }
  }

  private static BuiltImage build(DockerClient engine, String name, Path context, Path scratch)
      throws IOException {
    BuiltImage base =
        BuiltImage.ofTar(
            engine,
            context.resolve("base.tar"),
            scratch,
            "localhost/sluice-base-" + name + ":built");
    return BuiltImage.build(
        engine,
        context,
        "localhost/sluice-" + name + ":built",
        "none",
        Map.of("BASE", base.tag(), "VERSION", Release.VERSION));
  }
}

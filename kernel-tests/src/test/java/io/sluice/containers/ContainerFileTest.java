package io.sluice.containers;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.async.ResultCallback;
import com.github.dockerjava.api.command.BuildImageCmd;
import com.github.dockerjava.api.command.BuildImageResultCallback;
import com.github.dockerjava.api.model.ContainerConfig;
import com.github.dockerjava.api.model.Frame;
import com.github.dockerjava.api.model.HostConfig;
import io.sluice.kernel.site.Site;
import io.sluice.mesh.Release;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The container files, which are for bases of one's own, on the local base by an engine. */
@Tag("kernel")
class ContainerFileTest {
  @Test
  void buildOnTheLocalBaseWithoutANetworkWhatTheArchiveHolds(@TempDir Path directory)
      throws Exception {
    Path archive = ImageArchive.path();
    try (Site site = new Site();
        ContainerEngine engine = new ContainerEngine(site.node(), Path.of("/tmp", site.prefix()))) {
      for (String name : new String[] {"node", "controller"}) {
        ImageContents image = ImageContents.unpack(archive, name, directory.resolve(name));
        JsonNode expected = image.config().path("config");

        String built = build(engine.client(), name, archive.resolveSibling(name), image.scratch());

        ContainerConfig config = engine.client().inspectImageCmd(built).exec().getConfig();
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
        assertThat(output(engine.client(), built, "--version"))
            .isEqualTo("sluice " + Release.VERSION);
      }
    }
  }

  private static String build(DockerClient engine, String name, Path context, Path scratch)
      throws IOException {
    Files.copy(context.resolve("base.tar"), scratch.resolve("base.tar"));
    Files.writeString(scratch.resolve("Containerfile"), "FROM scratch\nADD base.tar /\n");
    String base = build(engine, scratch, Map.of(), "localhost/sluice-base-" + name);
    return build(
        engine,
        context,
        Map.of("BASE", base, "VERSION", Release.VERSION),
        "localhost/sluice-" + name);
  }

  private static String build(
      DockerClient engine, Path context, Map<String, String> arguments, String tag) {
    BuildImageCmd build =
        engine
            .buildImageCmd()
            .withBaseDirectory(context.toFile())
            .withDockerfile(context.resolve("Containerfile").toFile())
            .withNetworkMode("none")
            .withTags(Set.of(tag + ":built"));
    arguments.forEach(build::withBuildArg);
    build.exec(new BuildImageResultCallback()).awaitImageId();
    return tag + ":built";
  }

  private static String output(DockerClient engine, String image, String command)
      throws InterruptedException {
    String container =
        engine
            .createContainerCmd(image)
            .withCmd(command)
            .withHostConfig(new HostConfig().withReadonlyRootfs(true).withNetworkMode("none"))
            .exec()
            .getId();
    engine.startContainerCmd(container).exec();
    StringBuilder output = new StringBuilder();
    engine
        .logContainerCmd(container)
        .withStdOut(true)
        .withFollowStream(true)
        .exec(
            new ResultCallback.Adapter<Frame>() {
              @Override
              public void onNext(Frame frame) {
                output.append(new String(frame.getPayload(), StandardCharsets.UTF_8));
              }
            })
        .awaitCompletion();
    return output.toString().strip();
  }
}

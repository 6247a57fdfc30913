package io.sluice.containers;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.async.ResultCallback;
import com.github.dockerjava.api.command.BuildImageCmd;
import com.github.dockerjava.api.command.BuildImageResultCallback;
import com.github.dockerjava.api.command.CreateContainerCmd;
import com.github.dockerjava.api.command.WaitContainerResultCallback;
import com.github.dockerjava.api.model.Bind;
import com.github.dockerjava.api.model.Capability;
import com.github.dockerjava.api.model.ContainerConfig;
import com.github.dockerjava.api.model.Frame;
import com.github.dockerjava.api.model.HostConfig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * An image that an engine has built of a container file. For one thread.
 *
 * @param tag the image's name
 */
record BuiltImage(DockerClient engine, String tag) {
  /**
   * An image of one layer, the file {@code tar}.
   *
   * @param context an empty directory
   */
  static BuiltImage ofTar(DockerClient engine, Path tar, Path context, String tag)
      throws IOException {
    Files.copy(tar, context.resolve("base.tar"));
    Files.writeString(context.resolve("Containerfile"), "FROM scratch\nADD base.tar /\n");
    return build(engine, context, tag, "none", Map.of());
  }

  /**
   * Builds it of {@code context} and the Containerfile there.
   *
   * @param tag name and tag that it gets
   * @param network of the build's steps, as in {@code docker build --network}
   * @param arguments the values of the file's ARG lines
   * @throws com.github.dockerjava.api.exception.DockerClientException with the step that failed
   */
  static BuiltImage build(
      DockerClient engine, Path context, String tag, String network, Map<String, String> arguments)
      throws IOException {
    // The client would compress the context, which takes longer than all else.
    Process pack =
        new ProcessBuilder("tar", "-c", "-C", context.toString(), ".")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (InputStream packed = pack.getInputStream()) {
      BuildImageCmd build =
          engine
              .buildImageCmd(packed)
              .withDockerfilePath("Containerfile")
              .withNetworkMode(network)
              .withTags(Set.of(tag));
      arguments.forEach(build::withBuildArg);
      build.exec(new BuildImageResultCallback()).awaitImageId();
    }
    return new BuiltImage(engine, tag);
  }

  /** What its makers have set: user, environment, labels, program. */
  ContainerConfig config() {
    return Objects.requireNonNull(engine.inspectImageCmd(tag).exec().getConfig(), tag);
  }

  /**
   * What its program prints for these arguments: root that cannot be written, no network, no more
   * capabilities than a container has anyway. Fails when the program does.
   *
   * @param javaOptions further ones of the JVM, for {@code JDK_JAVA_OPTIONS}; may be empty
   */
  String sluice(String javaOptions, String... arguments) {
    CreateContainerCmd container = engine.createContainerCmd(tag).withCmd(arguments);
    if (!javaOptions.isEmpty()) {
      container.withEnv("JDK_JAVA_OPTIONS=" + javaOptions);
    }
    return output(container, host().withReadonlyRootfs(true));
  }

  /** What a script of bash prints that runs in it, as root. Fails when the script does. */
  String script(String script) {
    return output(
        engine.createContainerCmd(tag).withUser("0:0").withEntrypoint("bash", "-euc", script),
        host());
  }

  /** What its program prints with what the daemon may do on a node, in the machine's cgroups. */
  String sluiceOfTheNode(String... arguments) {
    return output(
        engine.createContainerCmd(tag).withCmd(arguments),
        host()
            .withCapAdd(Capability.NET_ADMIN, Capability.SYS_ADMIN, Capability.SYS_PTRACE)
            .withSecurityOpts(List.of("seccomp=unconfined", "apparmor=unconfined"))
            .withReadonlyRootfs(true)
            .withTmpFs(Map.of("/run", "", "/tmp", ""))
            .withBinds(List.of(Bind.parse("/sys/fs/cgroup:/sys/fs/cgroup"))));
  }

  private static HostConfig host() {
    return new HostConfig().withNetworkMode("none");
  }

  private String output(CreateContainerCmd create, HostConfig host) {
    String container = create.withHostConfig(host).exec().getId();
    engine.startContainerCmd(container).exec();
    int status =
        engine
            .waitContainerCmd(container)
            .exec(new WaitContainerResultCallback())
            .awaitStatusCode();
    StringBuilder output = new StringBuilder();
    StringBuilder errors = new StringBuilder();
    try {
      engine
          .logContainerCmd(container)
          .withStdOut(true)
          .withStdErr(true)
          .exec(
              new ResultCallback.Adapter<Frame>() {
                @Override
                public void onNext(Frame frame) {
                  String text = new String(frame.getPayload(), StandardCharsets.UTF_8);
                  switch (frame.getStreamType()) {
                    case STDERR -> errors.append(text);
                    default -> output.append(text);
                  }
                }
              })
          .awaitCompletion();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while reading what " + tag + " printed", e);
    }
    engine.removeContainerCmd(container).exec();
    assertThat(status).as(tag + " printed: " + output + errors).isZero();
    return output.toString().strip();
  }
}

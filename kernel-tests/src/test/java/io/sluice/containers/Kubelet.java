package io.sluice.containers;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.command.CreateContainerCmd;
import com.github.dockerjava.api.command.WaitContainerResultCallback;
import com.github.dockerjava.api.model.Capability;
import com.github.dockerjava.api.model.HostConfig;
import com.github.dockerjava.api.model.Mount;
import io.sluice.containers.ContainerSpec.VolumeMount;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.capability.Capabilities;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Starts the containers of a pod as a kubelet does, with exactly what its manifest says; what it
 * does not know is an error. For one thread.
 */
final class Kubelet {
  private static final Path ACCOUNT = Path.of("/var/run/secrets/kubernetes.io/serviceaccount");
  private static final long CPU_PERIOD_MICROS = 100_000;
  private static final int INIT_SECONDS = 60;

  private final DockerClient docker;
  private final SitePod node;
  private final ClusterFiles cluster;
  private final Path home;
  private final String network;
  private final Map<String, String> names;
  private int started;

  /**
   * On one node.
   *
   * @param home of what goes with each pod
   * @param network that pods of their own network are joined to
   * @param names what the cluster's DNS would say; kept by the caller
   */
  Kubelet(
      DockerClient docker,
      SitePod node,
      ClusterFiles cluster,
      Path home,
      String network,
      Map<String, String> names) {
    this.docker = docker;
    this.node = node;
    this.cluster = cluster;
    this.home = home;
    this.network = network;
    this.names = names;
  }

  /** Runs the init containers and starts the other; returns at once. */
  RunningPod start(PodSpec pod) {
    String name = pod.name() + "-" + ++started;
    PodVolumes volumes = new PodVolumes(pod, cluster, home.resolve(name));
    for (ContainerSpec init : pod.initContainers()) {
      RunningPod run = started(pod, init, name + "-" + init.name(), volumes);
      int status =
          docker
              .waitContainerCmd(run.id())
              .exec(new WaitContainerResultCallback())
              .awaitStatusCode(INIT_SECONDS, TimeUnit.SECONDS);
      if (status != 0) {
        throw new AssertionError(
            "init container " + init.name() + " ended with " + status + ": " + run.log());
      }
      run.remove();
    }
    return started(pod, pod.container(), name, volumes);
  }

  private RunningPod started(
      PodSpec pod, ContainerSpec container, String name, PodVolumes volumes) {
    CreateContainerCmd create =
        docker
            .createContainerCmd(container.image())
            .withName(name)
            .withCmd(container.args())
            .withEnv(
                container.environment().entrySet().stream()
                    .map(variable -> variable.getKey() + "=" + variable.getValue())
                    .toList())
            .withHostConfig(settings(pod, container, volumes));
    if (!container.command().isEmpty()) {
      create.withEntrypoint(container.command());
    }
    if (!container.security().user().isEmpty()) {
      create.withUser(container.security().user());
    }
    String id = create.exec().getId();
    docker.startContainerCmd(id).exec();
    return new RunningPod(docker, id, node, pod);
  }

  private HostConfig settings(PodSpec pod, ContainerSpec container, PodVolumes volumes) {
    ContainerSpec.Security security = container.security();
    List<Mount> mounts = new ArrayList<>(container.mounts().stream().map(volumes::mount).toList());
    if (pod.hasAccount()) {
      mounts.add(
          PodVolumes.bind(cluster.account(), new VolumeMount("", ACCOUNT.toString(), true, false)));
    }
    HostConfig settings =
        HostConfig.newHostConfig()
            .withCapDrop(Capability.ALL)
            .withCapAdd(
                security.added().stream()
                    .filter(Kubelet::isOnThisMachine)
                    .map(Capability::valueOf)
                    .toArray(Capability[]::new))
            .withReadonlyRootfs(security.readOnlyRoot())
            .withNetworkMode(pod.hostNetwork() ? "host" : network)
            .withCgroupnsMode("private")
            .withMemory(container.memoryBytes())
            .withMemorySwap(container.memoryBytes())
            .withCpuPeriod(CPU_PERIOD_MICROS)
            .withCpuQuota((long) (container.cpus() * CPU_PERIOD_MICROS))
            .withMounts(mounts)
            .withExtraHosts(
                names.entrySet().stream()
                    .map(name -> name.getKey() + ":" + name.getValue())
                    .toArray(String[]::new));
    if (pod.hostPid()) {
      settings.withPidMode("host");
    }
    if (!security.mayGainPrivileges()) {
      settings.withSecurityOpts(List.of("no-new-privileges"));
    }
    if (!pod.ownGroup().isEmpty()) {
      settings.withGroupAdd(List.of(pod.ownGroup()));
    }
    return settings;
  }

  /** Machines of a farm may lack a capability even for root; no container has it there. */
  private static boolean isOnThisMachine(String capability) {
    return Capabilities.effective()
        .contains(io.sluice.linux.capability.Capability.valueOf("CAP_" + capability));
  }
}

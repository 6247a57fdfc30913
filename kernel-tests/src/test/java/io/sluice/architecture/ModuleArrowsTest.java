package io.sluice.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Who may know whom. A rule that matches no class fails, so a renamed package cannot slip out of
 * its rule.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ModuleArrowsTest {
  private static final String[] JDK_AND_NULLNESS = {"java..", "javax..", "org.jspecify.."};

  /** Between the model and the messages. */
  private static final String CODECS =
      "io\\.sluice\\.mesh\\.(\\w*Codec|Checks|Marker|ResourceEncoder|ResourceDecoder|Version)(\\$.*)?";

  private JavaClasses sluice;

  @BeforeAll
  void importClassPath() {
    sluice =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .withImportOption(location -> !location.contains("-tests.jar")) // fixtures of a module
            .importPackages("io.sluice");
  }

  @Test
  void meshModelKnowsOnlyTheJdkAndExpressionsInLinearTime() {
    classes()
        .that()
        .resideInAPackage("io.sluice.mesh..")
        .and()
        .haveNameNotMatching(CODECS)
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(JDK_AND_NULLNESS)
                .or(resideInAnyPackage("io.sluice.mesh..", "com.google.re2j..")))
        .because("every module and every process shares the model")
        .check(sluice);
  }

  @Test
  void generatedMessagesKnowNothingOfTheMesh() {
    classes()
        .that()
        .resideInAPackage("io.sluice.api..")
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(
                "java..",
                "javax..",
                "com.google.protobuf..",
                "com.google.common..",
                "io.grpc..",
                "io.sluice.api.."))
        .check(sluice);
  }

  @Test
  void codecKnowsTheModelAndTheMessages() {
    noClasses()
        .that()
        .haveNameMatching(CODECS)
        .should()
        .dependOnClassesThat(
            resideInAPackage("io.sluice..")
                .and(not(resideInAnyPackage("io.sluice.mesh..", "io.sluice.api..")))
                .or(resideInAPackage("io.grpc..")))
        .because("it is the one place where model and messages meet, and does no I/O")
        .check(sluice);
  }

  /** Of all that is ours, beside itself. */
  private void knowsOnly(String module, String why, String... others) {
    String[] known = Stream.concat(Stream.of(module), Stream.of(others)).toArray(String[]::new);
    noClasses()
        .that()
        .resideInAPackage(module)
        .should()
        .dependOnClassesThat(resideInAPackage("io.sluice..").and(not(resideInAnyPackage(known))))
        .because(why)
        .check(sluice);
  }

  private void isKnownOnlyBy(String known, String why, String... packages) {
    noClasses()
        .that()
        .resideOutsideOfPackages(packages)
        .should()
        .dependOnClassesThat(resideInAPackage(known))
        .because(why)
        .check(sluice);
  }

  @Test
  void linuxKnowsNoOtherModule() {
    knowsOnly("io.sluice.linux..", "it is about the kernel, not the mesh");
  }

  @Test
  void onlyLinuxTouchesNativeMemoryAndCalls() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.sluice.linux..")
        .should()
        .dependOnClassesThat(resideInAnyPackage("java.lang.foreign..", "com.sun.jna.."))
        .because("a wrong native type crashes the process; one module holds them all")
        .check(sluice);
  }

  @Test
  void onlyLinuxSeesItsSystemCalls() {
    isKnownOnlyBy(
        "io.sluice.linux.syscall..",
        "that package is public only for the module's own packages",
        "io.sluice.linux..");
  }

  @Test
  void iptablesKnowsTheMeshModelAndLinux() {
    knowsOnly(
        "io.sluice.iptables..",
        "it renders and applies what the model says",
        "io.sluice.mesh..",
        "io.sluice.linux..");
  }

  @Test
  void interceptionKnowsItsMechanismsAndTheSocketsThatTheProxyAsksFor() {
    noClasses()
        .that()
        .resideInAPackage("io.sluice.interception..")
        .should()
        .dependOnClassesThat(
            resideInAPackage("io.sluice..")
                .and(
                    not(
                        resideInAnyPackage(
                            "io.sluice.interception..",
                            "io.sluice.iptables..",
                            "io.sluice.bpf..",
                            "io.sluice.linux..",
                            "io.sluice.mesh..")))
                .and(
                    not(
                        nameMatching(
                            "io\\.sluice\\.proxy\\."
                                + "(AcceptedFacts|Family|ListenerFd|PodListeners|PodSockets(\\$Application)?)"))))
        .because("pods, settings and where namespaces are found are passed in by the node daemon")
        .check(sluice);
  }

  @Test
  void processKnowsTheMeshModelOnly() {
    knowsOnly(
        "io.sluice.process..", "daemon, controller and installer share it", "io.sluice.mesh..");
  }

  @Test
  void cniPluginKnowsTheMeshModelOnly() {
    knowsOnly(
        "io.sluice.cni..",
        "it is installed and taken away without a daemon",
        "io.sluice.process..",
        "io.sluice.mesh..");
  }

  @Test
  void onlyTheNodeDaemonAndTheCommandLineKnowTheCniPlugin() {
    isKnownOnlyBy(
        "io.sluice.cni..",
        "the one serves it, the other installs it",
        "io.sluice.cni..",
        "io.sluice.node..",
        "io.sluice.cli..");
  }

  @Test
  void proxyKnowsTheMeshModelAndNetty() {
    noClasses()
        .that()
        .resideInAPackage("io.sluice.proxy..")
        .should()
        .dependOnClassesThat(
            resideInAPackage("io.sluice..")
                .and(
                    not(
                        resideInAnyPackage(
                            "io.sluice.proxy..", "io.sluice.mesh..", "io.sluice.api.envoy..")))
                .or(resideInAPackage("io.fabric8..")))
        .because(
            "sockets and their facts reach the proxy through an interface of its own, and what it"
                + " asks others by is of mesh-api")
        .check(sluice);
  }

  @Test
  void controlPlaneKnowsTheMeshModelAndNoDataPath() {
    noClasses()
        .that()
        .resideInAPackage("io.sluice.control..")
        .and()
        .haveNameNotMatching("io\\.sluice\\.control\\.server\\.Doorway.*") // where gRPC accepts
        .should()
        .dependOnClassesThat(
            resideInAPackage("io.sluice..")
                .and(
                    not(
                        resideInAnyPackage(
                            "io.sluice.control..",
                            "io.sluice.process..",
                            "io.sluice.mesh..",
                            "io.sluice.api..")))
                .or(resideInAPackage("io.netty..")))
        .check(sluice);
  }

  @Test
  void nodeDaemonKnowsNeitherControlPlaneNorCommandLine() {
    noClasses()
        .that()
        .resideInAPackage("io.sluice.node..")
        .should()
        .dependOnClassesThat(
            resideInAnyPackage("io.sluice.control..", "io.sluice.cli..", "io.fabric8.."))
        .because("docs/adr/0002: the launcher module assembles processes")
        .check(sluice);
  }

  @Test
  void onlyTheLaboratoryKnowsTheCommandLine() {
    isKnownOnlyBy(
        "io.sluice.cli..", "it assembles the processes", "io.sluice.cli..", "io.sluice.lab..");
  }

  @Test
  void nothingOfTheProductKnowsTheLaboratory() {
    isKnownOnlyBy("io.sluice.lab..", "it is in no image", "io.sluice.lab..");
  }

  @Test
  void packagesFormNoCycle() {
    slices().matching("io.sluice.(**)").should().beFreeOfCycles().check(sluice);
  }
}

package io.sluice.charts;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * One object that a chart makes. Hooks are those with the annotation {@code helm.sh/hook}.
 *
 * @param text in YAML, beginning with the comment that names its template
 * @param events when Helm applies a hook, such as {@code pre-install}; empty for what is no hook
 * @param weight the lower it is, the earlier among hooks of one event
 */
record PrintedObject(String text, String kind, String name, List<String> events, int weight) {
  private static final String HOOK = "helm.sh/hook";
  private static final String SHOWN = "shown." + HOOK;
  private static final Pattern SEPARATOR = Pattern.compile("(?m)^---[ \\t]*\\R");
  private static final Pattern INTEGER = Pattern.compile("-?[0-9]{1,9}");

  /**
   * A template whose hooks are objects like all others to Helm, which as a library returns no
   * hooks. {@link #parse} takes that back.
   */
  static String withHooksShown(String template) {
    return template.replace(HOOK, SHOWN);
  }

  /** The objects of what Helm made of templates that were {@link #withHooksShown}. */
  static List<PrintedObject> parse(String rendered) {
    KubernetesSerialization yaml = new KubernetesSerialization();
    return SEPARATOR
        .splitAsStream(rendered)
        .filter(text -> !text.isBlank())
        .map(text -> of(text.strip(), yaml))
        .toList();
  }

  private static PrintedObject of(String text, KubernetesSerialization yaml) {
    GenericKubernetesResource object = yaml.unmarshal(text, GenericKubernetesResource.class);
    Map<String, String> annotations =
        Objects.requireNonNullElse(object.getMetadata().getAnnotations(), Map.of());
    List<String> events =
        Arrays.stream(annotations.getOrDefault(SHOWN, "").split(","))
            .map(String::strip)
            .filter(event -> !event.isEmpty())
            .toList();
    String weight = annotations.getOrDefault(SHOWN + "-weight", "");
    return new PrintedObject(
        text.replace(SHOWN, HOOK),
        object.getKind(),
        object.getMetadata().getName(),
        events,
        INTEGER.matcher(weight).matches() ? Integer.parseInt(weight) : 0);
  }

  boolean isHook() {
    return !events.isEmpty();
  }

  /** Whether {@code helm test} runs it. */
  boolean isTest() {
    return events.stream().anyMatch(event -> event.startsWith("test"));
  }

  /**
   * As one text, in the order of an install: hooks before it, what belongs to the release, hooks
   * after it. What an install does not apply, such as the pod of {@code helm test}, is last.
   */
  static String inOrder(List<PrintedObject> objects, HookChoice hooks) {
    List<String> kinds = new ArrayList<>(); // Helm brings kinds in the order that hooks have too
    objects.stream().map(PrintedObject::kind).distinct().forEach(kinds::add);
    return objects.stream()
        .filter(hooks::includes)
        .sorted(
            Comparator.comparingInt(PrintedObject::stage)
                .thenComparingInt(PrintedObject::weight)
                .thenComparingInt(each -> kinds.indexOf(each.kind()))
                .thenComparing(each -> each.isHook() ? each.name() : ""))
        .map(PrintedObject::document)
        .collect(Collectors.joining());
  }

  private int stage() {
    if (!isHook()) {
      return 1;
    }
    return events.contains("pre-install") ? 0 : events.contains("post-install") ? 2 : 3;
  }

  private String document() {
    String mark = isHook() ? "# Hook: " + String.join(",", events) + "\n" : "";
    return "---\n" + mark + text + "\n";
  }

  /** Which hooks of a chart are printed, as {@code helm template} has them. */
  enum HookChoice {
    /** All of them: what {@code helm template} does without an option. */
    ALL,
    /** All but those of {@code helm test}: {@code --skip-tests}. */
    WITHOUT_TESTS,
    /** {@code --no-hooks}. */
    NONE;

    boolean includes(PrintedObject object) {
      return switch (this) {
        case ALL -> true;
        case WITHOUT_TESTS -> !object.isTest();
        case NONE -> !object.isHook();
      };
    }
  }
}

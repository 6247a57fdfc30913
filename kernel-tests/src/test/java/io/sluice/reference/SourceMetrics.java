package io.sluice.reference;

import com.sun.source.tree.BinaryTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.ExpressionTree;
import com.sun.source.tree.IdentifierTree;
import com.sun.source.tree.LiteralTree;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.MethodInvocationTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.NewClassTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreeScanner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;

/**
 * The metrics that the sources of a package make. Most collectors need a running daemon, so they
 * are found where they are written: each has its name and help as literals in one call, either of
 * the library or of a method of the same class, which knows the labels then.
 */
final class SourceMetrics extends TreeScanner<@Nullable Void, @Nullable Void> {
  private static final Pattern NAME = Pattern.compile("(?:sluice|istio|osm)_[a-z0-9_]+");
  private static final List<String> TYPES = List.of("counter", "gauge", "histogram");
  private static final String LABELS = "labelNames";

  private final Map<String, Metric> found = new TreeMap<>();
  private final Set<String> named = new HashSet<>();
  private final Map<String, ExpressionTree> fields = new HashMap<>();
  private final Map<String, ExpressionTree> own = new HashMap<>(); // of the file that is read
  private final Map<String, MethodTree> methods = new HashMap<>();

  /** Labels that were given to what a call of the library makes, by that call. */
  private final Map<Tree, List<String>> given = new HashMap<>();

  private SourceMetrics() {}

  /** All of them by name. @throws IllegalStateException for one that cannot be understood */
  static List<Metric> in(List<Path> sources) {
    SourceMetrics metrics = new SourceMetrics();
    List<CompilationUnitTree> units = parse(sources);
    units.forEach(unit -> members(unit).forEach(member -> rememberField(member, metrics.fields)));
    for (CompilationUnitTree unit : units) {
      metrics.own.clear();
      members(unit).forEach(member -> rememberField(member, metrics.own));
      metrics.methods.clear();
      members(unit).forEach(metrics::rememberMethod);
      metrics.scan(unit, null);
    }
    metrics.named.removeAll(metrics.found.keySet());
    metrics.found.keySet().forEach(name -> metrics.named.remove(name.replaceFirst("_total$", "")));
    if (!metrics.named.isEmpty()) {
      throw new IllegalStateException("not understood how these are made: " + metrics.named);
    }
    return List.copyOf(metrics.found.values());
  }

  private static List<CompilationUnitTree> parse(List<Path> sources) {
    var compiler = ToolProvider.getSystemJavaCompiler();
    try (var files = compiler.getStandardFileManager(null, null, null)) {
      JavacTask task =
          (JavacTask)
              compiler.getTask(
                  null, files, null, null, null, files.getJavaFileObjectsFromPaths(sources));
      List<CompilationUnitTree> units = new ArrayList<>();
      task.parse().forEach(units::add);
      return units;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Stream<Tree> members(CompilationUnitTree unit) {
    return unit.getTypeDecls().stream().flatMap(SourceMetrics::withMembers);
  }

  private static Stream<Tree> withMembers(Tree tree) {
    return tree instanceof ClassTree type
        ? type.getMembers().stream().flatMap(SourceMetrics::withMembers)
        : Stream.of(tree);
  }

  private static void rememberField(Tree member, Map<String, ExpressionTree> fields) {
    if (member instanceof VariableTree field && field.getInitializer() != null) {
      fields.putIfAbsent(field.getName().toString(), field.getInitializer());
    }
  }

  private void rememberMethod(Tree member) {
    if (member instanceof MethodTree method) {
      methods.put(method.getName().toString(), method);
    }
  }

  @Override
  public @Nullable Void visitLiteral(LiteralTree literal, @Nullable Void nothing) {
    if (literal.getValue() instanceof String text && NAME.matcher(text).matches()) {
      named.add(text);
    }
    return null;
  }

  @Override
  public @Nullable Void visitMethodInvocation(MethodInvocationTree call, @Nullable Void nothing) {
    if (call.getMethodSelect() instanceof MemberSelectTree select) {
      if (select.getIdentifier().contentEquals(LABELS)) {
        given.put(root(select.getExpression()), texts(call.getArguments()));
      } else if (select.getIdentifier().contentEquals("build")) {
        add(select.getExpression().toString(), call.getArguments(), given.get(call));
      }
    } else if (call.getMethodSelect() instanceof IdentifierTree local) {
      MethodTree method = methods.get(local.getName().toString());
      if (method != null && isMetric(call.getArguments())) {
        Inside inside = new Inside();
        inside.scan(method.getBody(), null);
        add(inside.made, call.getArguments(), inside.labels);
      }
    }
    return super.visitMethodInvocation(call, null);
  }

  @Override
  public @Nullable Void visitNewClass(NewClassTree made, @Nullable Void nothing) {
    add(made.getIdentifier().toString(), made.getArguments(), labelsOf(made));
    return super.visitNewClass(made, null);
  }

  /** What a method of a class makes of the name and help that it is given. */
  private final class Inside extends TreeScanner<@Nullable Void, @Nullable Void> {
    private String made = "";
    private List<String> labels = List.of();

    @Override
    public @Nullable Void visitMethodInvocation(MethodInvocationTree call, @Nullable Void nothing) {
      if (call.getMethodSelect() instanceof MemberSelectTree select) {
        if (select.getIdentifier().contentEquals(LABELS)) {
          labels = texts(call.getArguments());
        } else if (select.getIdentifier().contentEquals("build")) {
          made = select.getExpression().toString();
        }
      }
      return super.visitMethodInvocation(call, null);
    }

    @Override
    public @Nullable Void visitNewClass(NewClassTree family, @Nullable Void nothing) {
      if (family.getIdentifier().toString().endsWith("MetricFamily")) {
        made = family.getIdentifier().toString();
        labels = labelsOf(family);
      }
      return super.visitNewClass(family, null);
    }
  }

  /** The call that a chain of calls begins with. */
  private static Tree root(ExpressionTree chain) {
    ExpressionTree tree = chain;
    while (tree instanceof MethodInvocationTree call
        && call.getMethodSelect() instanceof MemberSelectTree select
        && select.getExpression() instanceof MethodInvocationTree) {
      tree = select.getExpression();
    }
    return tree;
  }

  private static boolean isMetric(List<? extends ExpressionTree> arguments) {
    return arguments.size() > 1
        && arguments.getFirst() instanceof LiteralTree name
        && name.getValue() instanceof String text
        && NAME.matcher(text).matches();
  }

  private void add(
      String maker, List<? extends ExpressionTree> arguments, @Nullable List<String> labels) {
    String lower = maker.toLowerCase(Locale.ROOT);
    if (isMetric(arguments)) {
      String type =
          TYPES.stream()
              .filter(lower::contains)
              .findFirst()
              .orElseThrow(() -> new IllegalStateException(maker + " makes no known type"));
      Metric metric =
          new Metric(
              text(arguments.getFirst()),
              type,
              labels == null ? List.of() : labels,
              text(arguments.get(1)));
      if (found.put(metric.name(), metric) != null) {
        throw new IllegalStateException(metric.name() + " is made twice");
      }
    }
  }

  /** Those of a family: its third argument, where that is no value. */
  private List<String> labelsOf(NewClassTree family) {
    return family.getArguments().size() > 2
        ? texts(List.of(family.getArguments().get(2)))
        : List.of();
  }

  /**
   * Texts in lists, arrays, constants, and what a method of the same class joins; other expressions
   * have none.
   */
  private List<String> texts(List<? extends ExpressionTree> trees) {
    List<String> texts = new ArrayList<>();
    for (ExpressionTree tree : trees) {
      switch (tree) {
        case LiteralTree literal when literal.getValue() instanceof String text -> texts.add(text);
        case IdentifierTree name -> {
          String field = name.getName().toString();
          texts.addAll(value(own.getOrDefault(field, fields.get(field))));
        }
        case MemberSelectTree name ->
            texts.addAll(value(fields.get(name.getIdentifier().toString())));
        case MethodInvocationTree call
            when call.getMethodSelect() instanceof MemberSelectTree select -> {
          boolean array = select.getIdentifier().contentEquals("toArray");
          boolean list = select.toString().equals("List.of");
          if (array || list) {
            texts.addAll(
                array ? texts(List.of(select.getExpression())) : texts(call.getArguments()));
          }
        }
        case MethodInvocationTree joining
            when joining.getMethodSelect() instanceof IdentifierTree ->
            texts.addAll(texts(joining.getArguments()));
        default -> {}
      }
    }
    return texts;
  }

  private List<String> value(@Nullable ExpressionTree value) {
    return value == null ? List.of() : texts(List.of(value));
  }

  private static String text(ExpressionTree tree) {
    return switch (tree) {
      case LiteralTree literal -> String.valueOf(literal.getValue());
      case BinaryTree sum -> text(sum.getLeftOperand()) + text(sum.getRightOperand());
      default -> throw new IllegalStateException(tree + " is no text");
    };
  }
}

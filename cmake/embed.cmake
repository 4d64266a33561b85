# Writes a C++ source that holds text files as string literals.
# cmake -DOUTPUT=x.cpp -DHEADER=config/crd.h -DNAMESPACE=config -DNAME=kManifests -DFILES=a;b -P embed.cmake
# Compilers need not accept more than 65,536 characters in one literal, so texts are put together at first use.
set(text "#include \"${HEADER}\"\n\n#include <initializer_list>\n#include <string>\n\nnamespace ${NAMESPACE} {\nnamespace {\n\nstd::string joined(std::initializer_list<std::string_view> pieces) {\n  std::string whole;\n  for (const std::string_view piece : pieces) whole += piece;\n  return whole;\n}\n\n}  // namespace\n\nconst std::vector<std::string_view>& ${NAME}() {\n  static const std::vector<std::string> texts{\n")
foreach(file IN LISTS FILES)
  file(READ ${file} content)
  string(LENGTH "${content}" length)
  string(APPEND text "      joined({")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${content}" ${at} 12000 piece)
    string(APPEND text "\n      R\"~~~(${piece})~~~\",")
    math(EXPR at "${at} + 12000")
  endwhile()
  string(APPEND text "}),\n")
endforeach()
string(APPEND text "  };\n  static const std::vector<std::string_view> files(texts.begin(), texts.end());\n  return files;\n}\n\n}  // namespace ${NAMESPACE}\n")
file(WRITE ${OUTPUT} "${text}")

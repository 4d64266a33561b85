# Writes a C++ source that holds text files as string literals.
# cmake -DOUTPUT=x.cpp -DHEADER=config/crd.h -DNAMESPACE=config -DNAME=kManifests -DFILES=a;b -P embed.cmake
# Literals are cut into pieces: compilers need not accept more than 65,536 characters in one.
set(text "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n\nconst std::vector<std::string_view>& ${NAME}() {\n  static const std::vector<std::string_view> files{\n")
foreach(file IN LISTS FILES)
  file(READ ${file} content)
  string(LENGTH "${content}" length)
  set(literal "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${content}" ${at} 12000 piece)
    string(APPEND literal "\n      R\"~~~(${piece})~~~\"")
    math(EXPR at "${at} + 12000")
  endwhile()
  string(APPEND text "      std::string_view{${literal}},\n")
endforeach()
string(APPEND text "  };\n  return files;\n}\n\n}  // namespace ${NAMESPACE}\n")
file(WRITE ${OUTPUT} "${text}")

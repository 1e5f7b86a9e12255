module.exports = "1.2.1";
